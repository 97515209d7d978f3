#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pad.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/reduce.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade::internal {
namespace {

/// The same numbers under other dims.
template <std::vector<Index> (*kDims)(const Arguments&, std::span<const Index>)>
Edge import_view(const NodeImport& n) {
  const Edge& x = n.edge(0);
  const std::vector<Index> dims = kDims(n.arguments(), x.dims);
  if (x.is_batched() && (dims.empty() || dims.front() != x.dims.front())) {
    n.arguments().fail("the batch to stay an axis of its own", dims_text(x.dims) + " to " + dims_text(dims));
  }
  return reshaped(x, dims, n.name());
}

Edge import_identity(const NodeImport& n) { return n.edge(0); }

/// To float, which all numbers of a network are.
Edge import_cast(const NodeImport& n) {
  constexpr Index kFloat = 1, kDouble = 11;  // of TensorProto.DataType
  const Index to = n.node().integer("to", 0);
  if (to != kFloat && to != kDouble) n.arguments().fail("a cast to float or double", fmt::format("type {}", to));
  return n.edge(0);
}

Edge import_dropout(const NodeImport& n) {
  if (n.arguments().knows(2) && n.arguments().constant(2).elements() == 1) {
    const Constant& training = n.arguments().constant(2);
    if (training.is_float() || training.integers().front() != 0) n.arguments().fail("training_mode false", "true");
  }
  n.node().integer("is_test", 1);  // of operator sets before 7
  n.node().integer("seed", 0);
  const Edge& x = n.edge(0);
  const float rate = n.arguments().number("ratio", 1, 0.5F);
  return x.made_by(Dropout{{.rate = rate, .name = n.name()}}(x.node));
}

/// Fails where an operator would mix images.
void check_not_batch(const NodeImport& n, const Edge& x, Index axis) {
  if (axis == 0 && x.is_batched()) n.arguments().fail("the images of a batch to stay apart", "axis 0");
}

/// Side by side along one axis, in the order of the first.
Edge joined(const NodeImport& n, const std::vector<Edge>& parts, Index axis) {
  const Edge& head = parts.front();
  if (parts.size() == 1) return head;
  std::vector<Node> nodes;
  std::vector<Index> dims = head.dims;
  dims[usize(axis)] = 0;
  for (const Edge& part : parts) {
    dims[usize(axis)] += part.dims[usize(axis)];
    nodes.push_back(arranged(part, head.order).node);
  }
  const Index place = head.position(axis);
  const bool last = place + 1 == isize(head.order.size());
  return {Concatenate{{.axis = last ? -1 : place, .name = n.name()}}(nodes), std::move(dims), head.order};
}

Edge import_concat(const NodeImport& n) {
  if (n.node().inputs.size() == 1) return n.edge(0);
  std::vector<Edge> parts;
  for (std::size_t i = 0; i < n.node().inputs.size(); ++i) parts.push_back(unflattened(n.edge(i)));
  if (parts.empty()) n.arguments().fail("at least one tensor", "none");
  const Index axis = n.arguments().axis(n.node().integer("axis", 1), parts.front().rank());
  check_not_batch(n, parts.front(), axis);
  for (const Edge& part : parts) {
    if (part.rank() != parts.front().rank()) n.arguments().fail("tensors of as many axes", dims_text(part.dims));
  }
  return joined(n, parts, axis);
}

/// One axis of the edge's own, in layers for it and what they do to its extent.
template <class L, class Options>
Edge along(const NodeImport& n, const Edge& x, Index axis, Options options) {
  options.axis = x.position(axis);
  options.name = n.name();
  Edge result = x.made_by(L(options)(x.node));
  result.dims[usize(axis)] = result.node.shape()[static_cast<int>(options.axis)];
  return result;
}

/// Pads of one axis, of which negative ones take away.
Edge padded(const NodeImport& n, Edge x, Index axis, PadOptions options) {
  const Index extent = x.dims[usize(axis)];
  const Index cut_before = std::max(-options.before, Index{0}), cut_after = std::max(-options.after, Index{0});
  options.before = std::max(options.before, Index{0});
  options.after = std::max(options.after, Index{0});
  if (options.before + options.after > 0) x = along<Pad>(n, x, axis, options);
  if (cut_before + cut_after == 0) return x;
  const Index count = extent + options.before + options.after - cut_before - cut_after;
  return along<Slice>(n, x, axis, SliceOptions{.start = cut_before, .count = count});
}

Edge import_pad(const NodeImport& n) {
  Edge x = unflattened(n.edge(0));
  const auto rank = usize(x.rank());
  const std::string mode = n.node().text("mode", "constant");
  const float value = n.node().has("value") ? n.node().number("value", 0.0F) : n.arguments().number("", 2, 0.0F);
  const std::vector<Index> listed = n.arguments().list("pads", 1);
  std::vector<Index> axes(rank);
  std::iota(axes.begin(), axes.end(), Index{0});
  if (n.node().has_input(3)) axes = n.arguments().axes("", 3, x.rank());
  constexpr Index kMost = 1 << 20;
  if (listed.size() != 2 * axes.size() ||
      !std::ranges::all_of(listed, [](Index p) { return p >= -kMost && p <= kMost; })) {
    n.arguments().fail(fmt::format("two pads for each of {} axes, each of at most {}", axes.size(), kMost),
                       dims_text(listed));
  }
  std::vector<kernels::Pads> pads(rank);
  for (std::size_t i = 0; i < axes.size(); ++i) pads[usize(axes[i])] = {listed[i], listed[i + axes.size()]};
  if (x.is_batched() && (pads[0].before != 0 || pads[0].after != 0)) {
    n.arguments().fail("no pads for the batch", dims_text(listed));
  }
  if (mode != "constant" && mode != "edge" && mode != "reflect")
    n.arguments().fail("mode constant, edge or reflect", mode);
  const bool zeros = mode == "constant" && value == 0.0F && std::ranges::all_of(listed, [](Index p) { return p >= 0; });
  if (zeros && std::ranges::all_of(listed, [](Index p) { return p == 0; })) return x;
  if (zeros && rank == 4 && x.is_batched()) {
    const ImageEdge image(n);
    return image.made(ZeroPadding2D{{.padding = {pads[2], pads[3]},
                                     .channels_before = pads[1].before,
                                     .channels_after = pads[1].after,
                                     .name = n.name()}}(image.node()));
  }
  const PadMode kind = mode == "edge" ? PadMode::edge : mode == "reflect" ? PadMode::reflect : PadMode::constant;
  for (const Index axis : std::vector(x.order)) {
    const kernels::Pads& own = pads[usize(axis)];
    x = padded(n, x, axis, {.before = own.before, .after = own.after, .mode = kind, .value = value});
  }
  return x;
}

/// Parts of axes. Every s-th row and column of an image is a pool of one pixel.
Edge import_slice(const NodeImport& n) {
  Edge x = unflattened(n.edge(0));
  const std::vector<AxisSlice> slices = slice_axes(n.arguments(), x.dims);
  const auto keeps_all = [&](Index axis) {
    return slices[usize(axis)].step == 1 && slices[usize(axis)].count == x.dims[usize(axis)];
  };
  const auto keeps_every = [&](Index axis) {
    const AxisSlice& s = slices[usize(axis)];
    return s.start == 0 && s.step > 0 && s.count == ceil_divide(x.dims[usize(axis)], s.step);
  };
  if (x.is_batched() && !keeps_all(0)) n.arguments().fail("every image of the batch", "a part of it");
  if (x.is_batched() && x.rank() == 4 && keeps_all(1) && keeps_every(2) && keeps_every(3)) {
    if (keeps_all(2) && keeps_all(3)) return x;
    const ImageEdge image(n);
    const Size2 strides{slices[2].step, slices[3].step};
    return image.made(AveragePool2D{{.pool = 1, .strides = strides, .name = n.name()}}(image.node()));
  }
  for (const Index axis : std::vector(x.order)) {
    if (keeps_all(axis)) continue;
    const AxisSlice& s = slices[usize(axis)];
    if (s.count == 0) n.arguments().fail("a part of at least one element", dims_text(x.dims));
    x = along<Slice>(n, x, axis, SliceOptions{.start = s.start, .count = s.count, .step = s.step});
  }
  return x;
}

/// Positions of one axis that the file names: one part for each row of evenly spaced ones.
Edge import_gather(const NodeImport& n) {
  const Edge x = unflattened(n.edge(0));
  const Constant& indices = n.arguments().constant(1);
  const Index axis = n.arguments().axis(n.node().integer("axis", 0), x.rank());
  check_not_batch(n, x, axis);
  const Index extent = x.dims[usize(axis)];
  if (indices.is_float() || indices.elements() == 0) n.arguments().fail("whole numbers as input 1", "others, or none");
  std::vector<Index> places = indices.integers();
  for (Index& place : places) {
    if (place < 0) place += extent;
    if (place < 0 || place >= extent) n.arguments().fail(fmt::format("indices into {}", extent), std::to_string(place));
  }
  constexpr std::size_t kMostParts = 256;
  std::vector<Edge> parts;
  for (std::size_t i = 0; i < places.size();) {
    const Index step = i + 1 < places.size() ? places[i + 1] - places[i] : 1;
    std::size_t end = i + 1;
    while (step != 0 && end < places.size() && places[end] - places[end - 1] == step) ++end;
    const SliceOptions part{.start = places[i], .count = isize(end - i), .step = step == 0 ? 1 : step};
    parts.push_back(along<Slice>(n, x, axis, part));
    if (parts.size() > kMostParts) {
      n.arguments().fail(fmt::format("indices of at most {} rows of evenly spaced ones", kMostParts), "more");
    }
    i = end;
  }
  std::vector<Index> dims(x.dims.begin(), x.dims.begin() + axis);
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), x.dims.begin() + axis + 1, x.dims.end());
  return reshaped(joined(n, parts, axis), dims);
}

/// The tensor several times along its axes: an axis of 1 before each, repeated, and joined with it.
Edge import_tile(const NodeImport& n) {
  const Edge& x = n.edge(0);
  const std::vector<Index> repeats = n.arguments().list("", 1);
  constexpr Index kMost = 1 << 20;
  if (isize(repeats.size()) != x.rank() ||
      !std::ranges::all_of(repeats, [](Index r) { return r >= 1 && r <= kMost; })) {
    n.arguments().fail(fmt::format("{} repeats from 1 to {}", x.rank(), kMost), dims_text(repeats));
  }
  if (x.is_batched() && repeats.front() != 1) n.arguments().fail("each image once", dims_text(repeats));
  std::vector<Index> split, ones, dims = x.dims;
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] != 1) {
      split.push_back(1);
      ones.push_back(repeats[i]);
    }
    split.push_back(x.dims[i]);
    ones.push_back(1);
    dims[i] *= repeats[i];
  }
  const Index elements = n.arguments().affordable_elements(ones);
  const Constant factor = Constant::of(ones, std::vector<float>(usize(elements), 1.0F));
  return reshaped(combined(n, ArithmeticKind::multiply, reshaped(x, split), factor, false), dims);
}

/// The parts' extents.
std::vector<Index> split_sizes(const NodeImport& n, Index extent) {
  const Index parts = isize(n.node().outputs.size());
  const Index said = n.node().integer("num_outputs", parts);
  if (said != parts)
    n.arguments().fail(fmt::format("num_outputs {}, as many as there are", parts), std::to_string(said));
  if (n.arguments().has_list("split", 1)) return n.arguments().list("split", 1);
  if (parts < 1 || parts > extent) n.arguments().fail(fmt::format("1 to {} parts", extent), std::to_string(parts));
  // Equal ones, of which the last may be smaller.
  const Index size = ceil_divide(extent, parts);
  std::vector<Index> sizes(usize(parts), size);
  sizes.back() = extent - (parts - 1) * size;
  return sizes;
}

std::vector<Edge> import_split(const NodeImport& n) {
  const Edge x = unflattened(n.edge(0));
  const Index axis = n.arguments().axis(n.node().integer("axis", 0), x.rank());
  check_not_batch(n, x, axis);
  const Index extent = x.dims[usize(axis)];
  const std::vector<Index> sizes = split_sizes(n, extent);
  const auto good = [&](Index size) { return size >= 1 && size <= extent; };
  if (sizes.size() != n.node().outputs.size() || !std::ranges::all_of(sizes, good) ||
      std::accumulate(sizes.begin(), sizes.end(), Index{0}) != extent) {
    n.arguments().fail(fmt::format("{} parts of at least one element that make up {}", n.node().outputs.size(), extent),
                       dims_text(sizes));
  }
  std::vector<Edge> parts;
  Index start = 0;
  for (const Index size : sizes) {
    parts.push_back(along<Slice>(n, x, axis, SliceOptions{.start = start, .count = size}));
    start += size;
  }
  return parts;
}

Edge import_transpose(const NodeImport& n) {
  const Edge& x = n.edge(0);
  const std::vector<Index> order = permutation(n.arguments(), x.rank());
  if (x.is_batched() && order.front() != 0) n.arguments().fail("the batch to stay the first axis", dims_text(order));
  return transposed(x, order);
}

/// The edge without one of its axes, which the layer has taken away.
Edge without_axis(const Edge& x, Index axis, const Node& node) {
  Edge result{node, x.dims, {}};
  result.dims.erase(result.dims.begin() + axis);
  for (const Index other : x.order) {
    if (other != axis) result.order.push_back(other > axis ? other - 1 : other);
  }
  return result;
}

/// Means and sums over some axes, all where none is named. The mean over height and width is global average pooling.
template <Reduction kReduction>
Edge import_reduce(const NodeImport& n) {
  Edge x = unflattened(n.edge(0));
  std::vector<Index> all(usize(x.rank()));
  std::iota(all.begin(), all.end(), Index{0});
  std::vector<Index> axes = n.arguments().axes("axes", 1, x.rank());
  const bool keeps_all = n.node().integer("noop_with_empty_axes", 0) != 0;
  const bool keepdims = n.node().integer("keepdims", 1) != 0;
  if (x.rank() == 0 || (axes.empty() && keeps_all)) return x;
  if (axes.empty()) axes = all;
  std::ranges::sort(axes, std::greater<>());
  check_not_batch(n, x, axes.back());
  const bool over_pixels = x.order.size() == 3 && axes == std::vector<Index>{std::max(x.order[0], x.order[1]),
                                                                             std::min(x.order[0], x.order[1])};
  if (kReduction == Reduction::mean && x.is_batched() && over_pixels) {
    const Node mean = GlobalAveragePool2D{{.keepdims = keepdims, .name = n.name()}}(x.node);
    if (!keepdims) return {mean, {x.dims[0], x.node.shape()[2]}, {1}};
    x = x.made_by(mean);
    for (const Index axis : axes) x.dims[usize(axis)] = 1;
    return x;
  }
  for (const Index axis : axes) {
    ReduceOptions options{.reduction = kReduction, .keepdims = keepdims};
    if (keepdims) {
      x = along<Reduce>(n, x, axis, options);
    } else {
      options.axis = x.position(axis);
      options.name = n.name();
      x = without_axis(x, axis, Reduce(options)(x.node));
    }
  }
  return x;
}

}  // namespace

std::span<const OnnxOperator> axis_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Cast", import_cast},
      OnnxOperator{"Concat", import_concat},
      OnnxOperator{"Dropout", import_dropout},
      OnnxOperator{"Flatten", import_view<flatten_dims>},
      OnnxOperator{"Gather", import_gather},
      OnnxOperator{"Identity", import_identity},
      OnnxOperator{"Pad", import_pad},
      OnnxOperator{"ReduceMean", import_reduce<Reduction::mean>},
      OnnxOperator{"ReduceSum", import_reduce<Reduction::sum>},
      OnnxOperator{"Reshape", import_view<reshape_dims>},
      OnnxOperator{"Slice", import_slice},
      OnnxOperator{"Split", nullptr, import_split},
      OnnxOperator{"Squeeze", import_view<squeeze_dims>},
      OnnxOperator{"Tile", import_tile},
      OnnxOperator{"Transpose", import_transpose},
      OnnxOperator{"Unsqueeze", import_view<unsqueeze_dims>},
  };
  return kOperators;
}

}  // namespace saccade::internal
