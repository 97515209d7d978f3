#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "saccade/io/layout_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade::internal {
namespace {

/// The same numbers under other dims, in ONNX's order. The batch stays.
Edge view(const NodeImport& n, const std::vector<Index>& dims) {
  const Edge& x = n.edge(0);
  if (dims.size() < 2 || dims.front() != x.dims.front()) {
    n.arguments().fail("the batch to stay an axis of its own", dims_text(x.dims) + " to " + dims_text(dims));
  }
  if (dims == x.dims) return x;
  const std::span<const Index> from = std::span(x.dims).subspan(1);
  const std::span<const Index> to = std::span(dims).subspan(1);
  const bool plain = x.flattened.empty() && has_one_order(from);
  if (to.size() == 1) {
    const std::vector<Index> channels_first(from.begin(), from.end());
    return {Flatten{{.name = n.name()}}(x.node), dims, plain ? std::vector<Index>{} : channels_first};
  }
  if (!plain || !has_one_order(to)) {
    n.arguments().fail("a reshape that leaves each image's numbers in their order, channels last",
                       dims_text(x.dims) + " to " + dims_text(dims));
  }
  return {Reshape{{.shape = Edge::image_shape(to), .name = n.name()}}(x.node), dims};
}

template <std::vector<Index> (*kDims)(const Arguments&, std::span<const Index>)>
Edge import_view(const NodeImport& n) {
  return view(n, kDims(n.arguments(), n.edge(0).dims));
}

Edge import_identity(const NodeImport& n) { return n.edge(0); }

Edge import_dropout(const NodeImport& n) {
  if (n.arguments().knows(2) && n.arguments().constant(2).elements() == 1) {
    const Constant& training = n.arguments().constant(2);
    if (training.is_float() || training.integers().front() != 0) n.arguments().fail("training_mode false", "true");
  }
  n.node().integer("is_test", 1);  // of operator sets before 7
  n.node().integer("seed", 0);
  const Edge& x = n.edge(0);
  const float rate = n.arguments().number("ratio", 1, 0.5F);
  return {Dropout{{.rate = rate, .name = n.name()}}(x.node), x.dims, x.flattened};
}

Edge import_concat(const NodeImport& n) {
  const Edge& head = n.edge(0);
  const Index axis = n.arguments().axis(n.node().integer("axis", 1), isize(head.dims.size()));
  if (axis != 1) n.arguments().fail("tensors side by side along axis 1, the channels", fmt::format("axis {}", axis));
  std::vector<Node> parts;
  std::vector<Index> dims = head.dims;
  dims[1] = 0;
  for (std::size_t i = 0; i < n.node().inputs.size(); ++i) {
    const Edge& part = n.edge(i);
    if (!part.flattened.empty()) n.arguments().fail("images, or rows that were none", "a flattened image");
    dims[1] += part.dims[1];
    parts.push_back(part.node);
  }
  if (parts.size() == 1) return head;
  return {Concatenate{{.name = n.name()}}(parts), std::move(dims)};
}

/// Zeros around the image, and before and after its channels.
Edge import_pad(const NodeImport& n) {
  const Edge& x = n.image();
  const std::string mode = n.node().text("mode", "constant");
  const std::vector<Index> pads = n.arguments().list("pads", 1);
  const float value = n.node().has("value") ? n.node().number("value", 0.0F) : n.arguments().number("", 2, 0.0F);
  if (mode != "constant" || value != 0.0F) n.arguments().fail("zeros", fmt::format("mode {}, value {}", mode, value));
  const bool fits = pads.size() == 8 && std::ranges::all_of(pads, [](Index p) { return p >= 0 && p <= 1 << 20; });
  if (!fits || pads[0] != 0 || pads[4] != 0) {
    n.arguments().fail("pads of zero or more, none for the batch", dims_text(pads));
  }
  if (std::ranges::all_of(pads, [](Index p) { return p == 0; })) return x;
  const Node padded = ZeroPadding2D{{.padding = {{pads[2], pads[6]}, {pads[3], pads[7]}},
                                     .channels_before = pads[1],
                                     .channels_after = pads[5],
                                     .name = n.name()}}(x.node);
  const Shape& shape = padded.shape();
  return {padded, {x.dims[0], shape[2], shape[0], shape[1]}};
}

/// Every s-th row and column: a pool of one pixel.
Edge import_slice(const NodeImport& n) {
  const Edge& x = n.image();
  const std::vector<AxisSlice> slices = slice_axes(n.arguments(), x.dims);
  const auto keeps_all = [&](std::size_t axis) { return slices[axis].step == 1 && slices[axis].count == x.dims[axis]; };
  const auto keeps_every = [&](std::size_t axis) {
    const AxisSlice& s = slices[axis];
    return s.start == 0 && s.step > 0 && s.count == ceil_divide(x.dims[axis], s.step);
  };
  if (!keeps_all(0) || !keeps_all(1) || !keeps_every(2) || !keeps_every(3)) {
    n.arguments().fail("every s-th row and column from the first", "another part of " + dims_text(x.dims));
  }
  if (keeps_all(2) && keeps_all(3)) return x;
  const Node taken =
      AveragePool2D{{.pool = 1, .strides = Size2{slices[2].step, slices[3].step}, .name = n.name()}}(x.node);
  return {taken, {x.dims[0], x.dims[1], slices[2].count, slices[3].count}};
}

Edge import_transpose(const NodeImport& n) {
  const std::vector<Index> order = permutation(n.arguments(), isize(n.edge(0).dims.size()));
  if (!std::ranges::is_sorted(order)) n.arguments().fail("axes in their order", dims_text(order));
  return n.edge(0);
}

/// How many times higher and wider a Resize makes the image.
Size2 resize_factors(const NodeImport& n) {
  const Edge& x = n.image();
  const bool is_resize = n.node().op == "Resize";
  const std::size_t scales_input = is_resize && n.importer().opset_at_least(11) ? 2 : 1;
  std::vector<float> scales = n.node().numbers("scales", {});
  if (n.arguments().knows(scales_input) && n.arguments().constant(scales_input).is_float()) {
    scales = n.arguments().constant(scales_input).floats();
  }
  if (scales.empty() && is_resize) {
    const std::vector<Index> sizes = n.arguments().list("", 3);
    if (sizes.size() != 4) n.arguments().fail("four sizes or scales", dims_text(sizes));
    for (std::size_t i = 0; i < 4; ++i) {
      scales.push_back(static_cast<float>(static_cast<double>(sizes[i]) / static_cast<double>(x.dims[i])));
    }
  }
  const auto is_factor = [](float scale) { return scale >= 1.0F && scale <= 1024.0F && scale == std::floor(scale); };
  if (scales.size() != 4 || scales[0] != 1.0F || scales[1] != 1.0F || !is_factor(scales[2]) || !is_factor(scales[3])) {
    n.arguments().fail("scales [1, 1, h, w] with whole h and w", fmt::format("[{}]", fmt::join(scales, ", ")));
  }
  return {static_cast<Index>(scales[2]), static_cast<Index>(scales[3])};
}

/// Larger images by a whole factor: nearest, or linear between the centres of pixels.
Edge import_resize(const NodeImport& n) {
  const OnnxNode& node = n.node();
  const bool named = node.op == "Resize" && n.importer().opset_at_least(11);
  const std::string mode = node.text("mode", "nearest");
  const std::string coordinates = node.text("coordinate_transformation_mode", named ? "half_pixel" : "asymmetric");
  const std::string rounding = node.text("nearest_mode", named ? "round_prefer_floor" : "floor");
  for (const char* const unused : {"cubic_coeff_a", "extrapolation_value"}) node.number(unused, 0.0F);
  node.integer("exclude_outside", 0);
  const Size2 factors = resize_factors(n);
  const bool centred = coordinates == "half_pixel" || (coordinates == "pytorch_half_pixel" && mode == "linear");
  // Between the centres, every new pixel is nearest to the one that holds it, however halves are rounded.
  const bool nearest = mode == "nearest" && ((centred && rounding.starts_with("round")) ||
                                             (coordinates == "asymmetric" && rounding == "floor"));
  if (!nearest && !(mode == "linear" && centred)) {
    n.arguments().fail("mode nearest or linear with half_pixel coordinates",
                       fmt::format("{}, {}, {}", mode, coordinates, rounding));
  }
  const UpSampling2D layer{
      {.size = factors, .interpolation = nearest ? UpSampling::nearest : UpSampling::bilinear, .name = n.name()}};
  const Edge& x = n.image();
  return {layer(x.node), {x.dims[0], x.dims[1], x.dims[2] * factors.h, x.dims[3] * factors.w}};
}

}  // namespace

std::span<const OnnxOperator> axis_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Concat", import_concat},
      OnnxOperator{"Dropout", import_dropout},
      OnnxOperator{"Flatten", import_view<flatten_dims>},
      OnnxOperator{"Identity", import_identity},
      OnnxOperator{"Pad", import_pad},
      OnnxOperator{"Reshape", import_view<reshape_dims>},
      OnnxOperator{"Resize", import_resize},
      OnnxOperator{"Slice", import_slice},
      OnnxOperator{"Squeeze", import_view<squeeze_dims>},
      OnnxOperator{"Transpose", import_transpose},
      OnnxOperator{"Unsqueeze", import_view<unsqueeze_dims>},
      OnnxOperator{"Upsample", import_resize},
  };
  return kOperators;
}

}  // namespace saccade::internal
