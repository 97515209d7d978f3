#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade::internal {
namespace {

/// Whether the numbers of an image with these dims, without the batch, stand in one order channels first and last.
bool order_is_one(std::span<const Index> dims) {
  const Index pixels = std::accumulate(dims.begin() + 1, dims.end(), Index{1}, std::multiplies<>());
  return dims.front() == 1 || pixels == 1;
}

/// The same numbers under other dims, in ONNX's order. The batch stays.
Edge view(const NodeImport& n, const std::vector<Index>& dims) {
  const Edge& x = n.edge(0);
  if (dims.size() < 2 || dims.front() != x.dims.front()) {
    n.arguments().fail("the batch to stay an axis of its own", dims_text(x.dims) + " to " + dims_text(dims));
  }
  if (dims == x.dims) return x;
  const std::span<const Index> from = std::span(x.dims).subspan(1);
  const std::span<const Index> to = std::span(dims).subspan(1);
  const bool plain = x.flattened.empty() && order_is_one(from);
  if (to.size() == 1) {
    const std::vector<Index> channels_first(from.begin(), from.end());
    return {Flatten{{.name = n.name()}}(x.node), dims, plain ? std::vector<Index>{} : channels_first};
  }
  if (!plain || !order_is_one(to)) {
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

/// A frame of zeros around the image.
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
  const Node padded = ZeroPadding2D{{.padding = {{pads[2], pads[6]}, {pads[3], pads[7]}}, .name = n.name()}}(x.node);
  return {padded, {x.dims[0], x.dims[1], padded.shape()[0], padded.shape()[1]}};
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

}  // namespace

std::span<const OnnxOperator> axis_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Concat", import_concat},
      OnnxOperator{"Dropout", import_dropout},
      OnnxOperator{"Flatten", import_view<flatten_dims>},
      OnnxOperator{"Identity", import_identity},
      OnnxOperator{"Pad", import_pad},
      OnnxOperator{"Reshape", import_view<reshape_dims>},
      OnnxOperator{"Slice", import_slice},
      OnnxOperator{"Squeeze", import_view<squeeze_dims>},
      OnnxOperator{"Transpose", import_transpose},
      OnnxOperator{"Unsqueeze", import_view<unsqueeze_dims>},
  };
  return kOperators;
}

}  // namespace saccade::internal
