#include <array>
#include <cmath>
#include <numeric>

#include "saccade/io/onnx/export_internal.h"
#include "saccade/io/onnx/fold_internal.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pad.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/reduce.h"
#include "saccade/nn/resample.h"
#include "saccade/nn/slice.h"

namespace saccade::internal {
namespace {

/// What ONNX calls an axis of an image of `rank` axes, the innermost of which stands behind the batch.
Index onnx_axis(Index axis, int rank) {
  const Index counted = axis < 0 ? axis + rank : axis;
  return counted + 1 == rank ? 1 : counted + 2;
}

/// 0, for the batch, then the axes from `first` on, then those from 1 up to `first`.
std::vector<Index> rotated_axes(int rank, Index first) {
  std::vector<Index> order(usize(rank) + 1);
  std::iota(order.begin(), order.end(), Index{0});
  std::rotate(order.begin() + 1, order.begin() + first, order.end());
  return order;
}

void add_transpose(const LayerExport& l, const std::string& from, const std::vector<Index>& order,
                   const std::string& to) {
  set(l.add_node("Transpose", {from}, to), "perm", order);
}

/// A value for each of an ONNX tensor's axes, the batch included: `value` for one, `otherwise` for the rest.
template <class T>
std::vector<T> for_one_axis(const LayerExport& l, Index axis, T value, T otherwise) {
  std::vector<T> values(usize(l.src().rank()) + 1, otherwise);
  values[usize(onnx_axis(axis, l.src().rank()))] = value;
  return values;
}

const char* onnx_name(ArithmeticKind kind) {
  switch (kind) {
    case ArithmeticKind::add:
      return "Add";
    case ArithmeticKind::subtract:
      return "Sub";
    case ArithmeticKind::multiply:
      return "Mul";
    case ArithmeticKind::divide:
      break;
  }
  return "Div";
}

const char* onnx_name(const LayerExport& l, Coordinates coordinates) {
  switch (coordinates) {
    case Coordinates::half_pixel:
      return "half_pixel";
    case Coordinates::pytorch_half_pixel:
      return "pytorch_half_pixel";
    case Coordinates::align_corners:
      return "align_corners";
    case Coordinates::asymmetric:
      return "asymmetric";
    case Coordinates::half_pixel_floor:
      break;
  }
  l.fail("coordinates that ONNX has a word for", "half_pixel_floor");
}

}  // namespace

Value export_arithmetic(const LayerExport& l) {
  const ArithmeticOptions& o = l.options<Arithmetic>();
  if (l.inputs().size() == 2) {
    l.require_image_order();
    l.add_node(onnx_name(o.operation), {l.input(0).name, l.input(1).name}, l.output());
    return {l.output()};
  }
  if (o.operand.elements() != 1) l.require_image_order();
  // As many axes as the input has, the innermost first.
  std::vector<Index> dims(usize(l.src().rank() - o.operand.rank()), 1);
  dims.insert(dims.end(), o.operand.extents().begin(), o.operand.extents().end());
  std::vector<Index> order(dims.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::rotate(order.begin(), order.end() - 1, order.end());
  std::array<std::string, 2> inputs{l.input().name, l.add("operand", transpose(l.parameter("operand", dims), order))};
  if (o.operand_first) std::swap(inputs[0], inputs[1]);
  l.add_node(onnx_name(o.operation), {inputs[0], inputs[1]}, l.output());
  return {l.output(), l.input().flattened};
}

Value export_concatenate(const LayerExport& l) {
  l.require_image_order();
  std::vector<std::string> names;
  for (const Value& value : l.inputs()) names.push_back(value.name);
  set(l.add_node("Concat", names, l.output()), "axis", onnx_axis(l.options<Concatenate>().axis, l.src().rank()));
  return {l.output()};
}

Value export_pad(const LayerExport& l) {
  const PadOptions& o = l.options<Pad>();
  l.require_image_order();
  std::vector<Index> pads = for_one_axis<Index>(l, o.axis, o.before, 0);
  const std::vector<Index> after = for_one_axis<Index>(l, o.axis, o.after, 0);
  pads.insert(pads.end(), after.begin(), after.end());
  std::vector<std::string> inputs{l.input().name, l.add("pads", Constant::list(pads))};
  if (o.mode == PadMode::constant) inputs.push_back(l.add("value", o.value));
  const char* const mode = o.mode == PadMode::edge ? "edge" : o.mode == PadMode::reflect ? "reflect" : "constant";
  set(l.add_node("Pad", inputs, l.output()), "mode", mode);
  return {l.output()};
}

Value export_permute(const LayerExport& l) {
  l.require_image_order();
  const std::span<const Index> axes = l.options<Permute>().axes.extents();
  std::vector<Index> order(axes.size() + 1, 0);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    order[usize(onnx_axis(isize(k), l.dst().rank()))] = onnx_axis(axes[k], l.src().rank());
  }
  add_transpose(l, l.input().name, order, l.output());
  return {l.output()};
}

Value export_reduce(const LayerExport& l) {
  const ReduceOptions& o = l.options<Reduce>();
  l.require_image_order();
  const int rank = l.src().rank();
  const Index axis = onnx_axis(o.axis, rank);
  const bool keepdims = o.keepdims || rank == 1;
  // Without the innermost axis, the next one out is the innermost.
  const bool turns = !keepdims && axis == 1 && rank > 2;
  const std::string reduced = turns ? l.own("reduced") : l.output();
  if (o.reduction == Reduction::mean) {
    onnx::NodeProto& node = l.add_node("ReduceMean", {l.input().name}, reduced);
    set(node, "axes", std::vector<Index>{axis});
    set(node, "keepdims", Index{keepdims});
  } else {
    onnx::NodeProto& node = l.add_node("ReduceSum", {l.input().name, l.add("axes", Constant::list({axis}))}, reduced);
    set(node, "keepdims", Index{keepdims});
  }
  if (turns) add_transpose(l, reduced, rotated_axes(rank - 1, rank - 1), l.output());
  return {l.output()};
}

Value export_resample(const LayerExport& l) {
  const ResampleOptions& o = l.options<Resample>();
  l.require_image_order();
  if (o.antialias) l.fail("resampling that operator set 14 has a word for", "antialias");
  std::vector<std::string> inputs{l.input().name, ""};
  if (o.scale != 0.0F) {
    const Index extent = l.src()[static_cast<int>(o.axis)];
    const double size = std::floor(static_cast<double>(extent) * static_cast<double>(o.scale));
    if (size != static_cast<double>(o.size)) l.fail("a size of extent times scale", std::to_string(o.size));
    const std::vector<float> scales = for_one_axis(l, o.axis, o.scale, 1.0F);
    inputs.push_back(l.add("scales", Constant::of({isize(scales.size())}, scales)));
  } else {
    // The batch may have any size, so it is asked for when the network runs.
    const Constant first = Constant::list({0}), second = Constant::list({1});
    l.add_node("Shape", {l.input().name}, l.own("shape"));
    l.add_node("Slice", {l.own("shape"), l.add("first", first), l.add("second", second)}, l.own("batch"));
    std::vector<Index> sizes = channels_first(l.dst());
    set(l.add_node("Concat", {l.own("batch"), l.add("size", Constant::list(sizes))}, l.own("sizes")), "axis", Index{0});
    inputs.insert(inputs.end(), {"", l.own("sizes")});
  }
  onnx::NodeProto& node = l.add_node("Resize", inputs, l.output());
  static constexpr std::array kMethods{"nearest", "linear", "cubic"};
  static constexpr std::array kRoundings{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  set(node, "mode", kMethods[static_cast<std::size_t>(o.method)]);
  set(node, "coordinate_transformation_mode", onnx_name(l, o.coordinates));
  set(node, "nearest_mode", kRoundings[static_cast<std::size_t>(o.rounding)]);
  set(node, "cubic_coeff_a", o.cubic_a);
  set(node, "exclude_outside", Index{o.exclude_outside});
  return {l.output()};
}

/// Moves numbers in the network's own order, channels last, where that is another.
Value export_reshape(const LayerExport& l) {
  l.require_image_order();
  std::string from = l.input().name;
  if (!has_one_order(channels_first(l.src()))) {
    add_transpose(l, from, rotated_axes(l.src().rank(), 2), l.own("last"));
    from = l.own("last");
  }
  const bool turns_back = !has_one_order(channels_first(l.dst()));
  std::vector<Index> dims = channels_first(l.dst());
  if (turns_back) dims.assign(l.dst().extents().begin(), l.dst().extents().end());
  dims.insert(dims.begin(), 0);  // the batch, as it is
  const std::string reshaped = turns_back ? l.own("reshaped") : l.output();
  l.add_node("Reshape", {from, l.add("shape", Constant::list(dims))}, reshaped);
  if (turns_back) add_transpose(l, reshaped, rotated_axes(l.dst().rank(), l.dst().rank()), l.output());
  return {l.output()};
}

Value export_slice(const LayerExport& l) {
  const SliceOptions& o = l.options<Slice>();
  l.require_image_order();
  const Index extent = l.src()[static_cast<int>(o.axis)];
  const Index end = o.start + o.count * o.step;
  // A negative end counts from the axis's own.
  const std::vector<std::string> inputs{l.input().name, l.add("start", Constant::list({o.start})),
                                        l.add("end", Constant::list({end < 0 ? -extent - 1 : end})),
                                        l.add("axis", Constant::list({onnx_axis(o.axis, l.src().rank())})),
                                        l.add("step", Constant::list({o.step}))};
  l.add_node("Slice", inputs, l.output());
  return {l.output()};
}

}  // namespace saccade::internal
