#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "saccade/io/layout_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade::internal {
namespace {

/// What Conv and the pools say of their window, with the pads worked out.
struct Window {
  Size2 kernel{1};
  Size2 strides{1};
  Size2 dilation{1};
  kernels::Pads rows{};
  kernels::Pads columns{};
  /// Pixels beyond the pads that the last windows of ceil_mode reach. No average counts them.
  Index rows_over = 0;
  Index columns_over = 0;

  Padding padding() const {
    return {kernels::Pads{rows.before, rows.after + rows_over},
            kernels::Pads{columns.before, columns.after + columns_over}};
  }
  bool has_padding() const { return rows.before + rows.after + columns.before + columns.after > 0; }
};

/// A pair of whole numbers, one an axis, each at least `least`.
Size2 read_pair(const NodeImport& n, const std::string& attribute, Index least, std::vector<Index> otherwise) {
  const std::vector<Index> values = n.node().integers(attribute, otherwise);
  constexpr Index kMost = 1 << 20;
  const bool fits =
      values.size() == 2 && std::ranges::all_of(values, [&](Index v) { return v >= least && v <= kMost; });
  if (!fits)
    n.arguments().fail(fmt::format("{} of two numbers from {} to {}", attribute, least, kMost), dims_text(values));
  return {values[0], values[1]};
}

/// Pads of one axis so that the output has ceil(in / stride) elements.
kernels::Pads same_pads(Index in, Index kernel, Index stride, Index dilation, bool extra_at_end) {
  const kernels::Pads pads = same.rows(in, kernel, stride, dilation);
  return extra_at_end ? pads : kernels::Pads{pads.after, pads.before};
}

/// Pixels after the end of an axis, beyond its pads, that the last window of ceil_mode reaches.
Index overhang(Index in, const kernels::Pads& pads, Index kernel, Index stride, Index dilation) {
  const Index free = in + pads.before + pads.after - (dilation * (kernel - 1) + 1);
  if (free < 0 || free % stride == 0) return 0;
  // A window that would start behind the image is none: operator sets from 19 on say so, PyTorch always did.
  const Index last_start = free - free % stride + stride;
  return last_start >= in + pads.before ? 0 : last_start - free;
}

Window read_window(const NodeImport& n, Size2 kernel) {
  const OnnxNode& node = n.node();
  const Index h = n.image().dims[2];
  const Index w = n.image().dims[3];
  Window window{.kernel = kernel};
  window.strides = read_pair(n, "strides", 1, {1, 1});
  window.dilation = read_pair(n, "dilations", 1, {1, 1});
  const std::string mode = node.text("auto_pad", "NOTSET");
  const std::vector<Index> pads = node.integers("pads", {0, 0, 0, 0});
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    const bool at_end = mode == "SAME_UPPER";
    window.rows = same_pads(h, kernel.h, window.strides.h, window.dilation.h, at_end);
    window.columns = same_pads(w, kernel.w, window.strides.w, window.dilation.w, at_end);
  } else if (mode == "NOTSET") {
    const bool fits = pads.size() == 4 && std::ranges::all_of(pads, [](Index p) { return p >= 0 && p <= 1 << 20; });
    if (!fits) n.arguments().fail("pads of four numbers of zero or more", dims_text(pads));
    window.rows = {pads[0], pads[2]};
    window.columns = {pads[1], pads[3]};
  } else if (mode != "VALID") {
    n.arguments().fail("auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER", mode);
  }
  if (node.integer("ceil_mode", 0) != 0) {
    window.rows_over = overhang(h, window.rows, kernel.h, window.strides.h, window.dilation.h);
    window.columns_over = overhang(w, window.columns, kernel.w, window.strides.w, window.dilation.w);
  }
  return window;
}

/// The tensor that a layer makes of the node's image.
Edge image_edge(const NodeImport& n, const Node& node) {
  const Shape& shape = node.shape();
  return {node, {n.image().dims[0], shape[2], shape[0], shape[1]}};
}

void set_filters(const NodeImport& n, const std::string& layer, const Constant& weights) {
  const Constant hwio = filters_to_hwio(weights);
  n.importer().set_weight(layer, "weight", Tensor(Shape(hwio.dims), hwio.floats()));
}

void set_bias(const NodeImport& n, const std::string& layer, Index filters) {
  const Constant& bias = n.arguments().constant(2);
  if (bias.dims != std::vector<Index>{filters} || !bias.is_float()) {
    n.arguments().fail(fmt::format("{} biases", filters), dims_text(bias.dims));
  }
  n.importer().set_weight(layer, "bias", Tensor(Shape(bias.dims), bias.floats()));
}

Edge import_conv(const NodeImport& n) {
  const Constant& weights = n.arguments().constant(1);  // [filters, channels / groups, height, width]
  if (weights.rank() != 4 || !weights.is_float()) n.arguments().fail("weights of four axes", dims_text(weights.dims));
  const Size2 kernel{weights.dims[2], weights.dims[3]};
  if (!(read_pair(n, "kernel_shape", 1, {kernel.h, kernel.w}) == kernel)) {
    n.arguments().fail("kernel_shape to be that of the weights", dims_text(weights.dims));
  }
  const Window window = read_window(n, kernel);
  const Index groups = n.node().integer("group", 1);
  const auto channels = checked_multiply(weights.dims[1], groups);
  if (groups < 1 || channels != n.image().dims[1]) {
    n.arguments().fail(fmt::format("weights for {} channels in {} groups", n.image().dims[1], groups),
                       dims_text(weights.dims));
  }
  const bool has_bias = n.node().has_input(2);
  const std::string name = n.name();
  const Conv2D layer{{.filters = weights.dims[0],
                      .kernel = kernel,
                      .strides = window.strides,
                      .padding = window.padding(),
                      .dilation = window.dilation,
                      .groups = groups,
                      .use_bias = has_bias,
                      .name = name}};
  set_filters(n, name, weights);
  if (has_bias) set_bias(n, name, weights.dims[0]);
  return image_edge(n, layer(n.image().node));
}

/// The pads that give an output of `out` pixels along one axis, the odd one at the end or at the start; where there is
/// nothing to cut off, output_padding grows.
kernels::Pads pads_for_output(Index in, Index out, Index extent, Index stride, Index& output_padding,
                              bool extra_at_end) {
  const Index total = (in - 1) * stride + output_padding + extent - out;
  if (total < 0) {
    output_padding -= total;
    return {};
  }
  return extra_at_end ? kernels::Pads{total / 2, total - total / 2} : kernels::Pads{total - total / 2, total / 2};
}

/// The window of a transposed convolution: `auto_pad` and `output_shape` speak of its output.
Window read_transposed_window(const NodeImport& n, Size2 kernel, Size2& output_padding) {
  Window window = read_window(n, kernel);
  const std::string mode = n.node().text("auto_pad", "NOTSET");
  const bool has_shape = !n.node().integers("output_shape", {}).empty();
  if (!has_shape && !mode.starts_with("SAME")) return window;
  const Index h = n.image().dims[2];
  const Index w = n.image().dims[3];
  const Size2 out = has_shape ? read_pair(n, "output_shape", 1, {}) : Size2{h * window.strides.h, w * window.strides.w};
  const bool at_end = mode == "SAME_UPPER";
  const Index extent_h = (kernel.h - 1) * window.dilation.h + 1;
  const Index extent_w = (kernel.w - 1) * window.dilation.w + 1;
  window.rows = pads_for_output(h, out.h, extent_h, window.strides.h, output_padding.h, at_end);
  window.columns = pads_for_output(w, out.w, extent_w, window.strides.w, output_padding.w, at_end);
  return window;
}

Edge import_conv_transpose(const NodeImport& n) {
  const Constant& weights = n.arguments().constant(1);  // [channels, filters / groups, height, width]
  if (weights.rank() != 4 || !weights.is_float() || weights.dims[0] != n.image().dims[1]) {
    n.arguments().fail("weights for the image's channels, four axes", dims_text(weights.dims));
  }
  const Size2 kernel{weights.dims[2], weights.dims[3]};
  if (!(read_pair(n, "kernel_shape", 1, {kernel.h, kernel.w}) == kernel)) {
    n.arguments().fail("kernel_shape to be that of the weights", dims_text(weights.dims));
  }
  const Index groups = n.node().integer("group", 1);
  const std::optional<Index> filters = checked_multiply(weights.dims[1], groups);
  if (groups < 1 || !filters) n.arguments().fail("group of at least 1", std::to_string(groups));
  Size2 output_padding = read_pair(n, "output_padding", 0, {0, 0});
  const Window window = read_transposed_window(n, kernel, output_padding);
  const bool has_bias = n.node().has_input(2);
  const std::string name = n.name();
  const Conv2DTranspose layer{{.filters = *filters,
                               .kernel = kernel,
                               .strides = window.strides,
                               .padding = window.padding(),
                               .output_padding = output_padding,
                               .dilation = window.dilation,
                               .groups = groups,
                               .use_bias = has_bias,
                               .name = name}};
  set_filters(n, name, weights);
  if (has_bias) set_bias(n, name, *filters);
  return image_edge(n, layer(n.image().node));
}

template <class Pool>
Edge pool(const NodeImport& n, const Window& window, const Node& input) {
  if (!(window.dilation == Size2(1))) n.arguments().fail("a window without dilation", window.dilation.to_string());
  return image_edge(
      n,
      Pool{{.pool = window.kernel, .strides = window.strides, .padding = window.padding(), .name = n.name()}}(input));
}

Edge import_max_pool(const NodeImport& n) {
  if (n.node().integer("storage_order", 0) != 0) n.arguments().fail("storage_order 0", "1");
  return pool<MaxPool2D>(n, read_window(n, read_pair(n, "kernel_shape", 1, {})), n.image().node);
}

Edge import_average_pool(const NodeImport& n) {
  Window window = read_window(n, read_pair(n, "kernel_shape", 1, {}));
  if (n.node().integer("count_include_pad", 0) == 0 || !window.has_padding()) {
    return pool<AveragePool2D>(n, window, n.image().node);
  }
  const Node padded = ZeroPadding2D{{.padding = Padding{window.rows, window.columns}}}(n.image().node);
  window.rows = window.columns = {};
  return pool<AveragePool2D>(n, window, padded);
}

template <class Pool>
Edge import_global_pool(const NodeImport& n) {
  return image_edge(n, Pool{{.keepdims = true, .name = n.name()}}(n.image().node));
}

/// The mean over height and width is global average pooling.
Edge import_reduce_mean(const NodeImport& n) {
  const std::vector<Index> axes = n.arguments().axes("axes", 1, isize(n.image().dims.size()), {0, 1, 2, 3});
  if (axes.size() != 2 || axes[0] + axes[1] != 5 || axes[0] * axes[1] != 6) {
    n.arguments().fail("a mean over axes 2 and 3", dims_text(axes));
  }
  const bool keepdims = n.node().integer("keepdims", 1) != 0;
  const Node mean = GlobalAveragePool2D{{.keepdims = keepdims, .name = n.name()}}(n.image().node);
  return keepdims ? image_edge(n, mean) : Edge{mean, {n.image().dims[0], mean.shape()[0]}};
}

}  // namespace

std::span<const OnnxOperator> window_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"AveragePool", import_average_pool},
      OnnxOperator{"Conv", import_conv},
      OnnxOperator{"ConvTranspose", import_conv_transpose},
      OnnxOperator{"GlobalAveragePool", import_global_pool<GlobalAveragePool2D>},
      OnnxOperator{"GlobalMaxPool", import_global_pool<GlobalMaxPool2D>},
      OnnxOperator{"MaxPool", import_max_pool},
      OnnxOperator{"ReduceMean", import_reduce_mean},
  };
  return kOperators;
}

}  // namespace saccade::internal
