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

constexpr Index kMostPixels = 1 << 20;

/// Whole numbers from `least` to kMostPixels, `count` for each axis of the image; of a row of pixels those of the height,
/// which the file leaves out, are `of_height`.
std::vector<Index> read_axes(const NodeImport& n, bool is_row, const std::string& attribute, std::size_t count,
                             Index least, Index of_height, const std::vector<Index>& otherwise) {
  std::vector<Index> values = n.node().integers(attribute, {});
  if (values.empty()) return otherwise;
  const std::size_t expected = is_row ? count : 2 * count;
  const bool fits =
      values.size() == expected && std::ranges::all_of(values, [&](Index v) { return v >= least && v <= kMostPixels; });
  if (!fits) {
    n.arguments().fail(fmt::format("{} of {} numbers from {} to {}", attribute, expected, least, kMostPixels),
                       dims_text(values));
  }
  if (!is_row) return values;
  std::vector<Index> both;
  for (const Index value : values) both.insert(both.end(), {of_height, value});
  return both;
}

/// One number an axis.
Size2 read_pair(const NodeImport& n, const ImageEdge& x, const std::string& attribute, Index least, Size2 otherwise) {
  const Index of_height = least == 0 ? 0 : 1;
  const std::vector<Index> values =
      read_axes(n, x.is_row(), attribute, 1, least, of_height, {otherwise.h, otherwise.w});
  return {values[0], values[1]};
}

/// The window of a pool, which has no default.
Size2 read_kernel(const NodeImport& n, const ImageEdge& x) {
  if (!n.node().has("kernel_shape")) n.arguments().fail("an attribute 'kernel_shape'", "none");
  return read_pair(n, x, "kernel_shape", 1, 1);
}

/// Filters as [filters, channels, height, width]; those of rows of pixels have no height.
Constant read_weights(const NodeImport& n, const ImageEdge& x) {
  Constant weights = n.arguments().constant(1);
  if (weights.rank() != (x.is_row() ? 3 : 4) || !weights.is_float()) {
    n.arguments().fail(x.is_row() ? "weights of three axes" : "weights of four axes", dims_text(weights.dims));
  }
  if (x.is_row()) weights.dims.insert(weights.dims.begin() + 2, 1);
  return weights;
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

Window read_window(const NodeImport& n, const ImageEdge& x, Size2 kernel) {
  const OnnxNode& node = n.node();
  const Index h = x.height(), w = x.width();
  Window window{.kernel = kernel};
  window.strides = read_pair(n, x, "strides", 1, 1);
  window.dilation = read_pair(n, x, "dilations", 1, 1);
  const std::string mode = node.text("auto_pad", "NOTSET");
  // Those before each axis, then those after.
  const std::vector<Index> pads = read_axes(n, x.is_row(), "pads", 2, 0, 0, {0, 0, 0, 0});
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    const bool at_end = mode == "SAME_UPPER";
    window.rows = same_pads(h, kernel.h, window.strides.h, window.dilation.h, at_end);
    window.columns = same_pads(w, kernel.w, window.strides.w, window.dilation.w, at_end);
  } else if (mode == "NOTSET") {
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
  const ImageEdge x(n);
  const Constant weights = read_weights(n, x);  // [filters, channels / groups, height, width]
  const Size2 kernel{weights.dims[2], weights.dims[3]};
  if (!(read_pair(n, x, "kernel_shape", 1, kernel) == kernel)) {
    n.arguments().fail("kernel_shape to be that of the weights", dims_text(weights.dims));
  }
  const Window window = read_window(n, x, kernel);
  const Index groups = n.node().integer("group", 1);
  const auto channels = checked_multiply(weights.dims[1], groups);
  if (groups < 1 || channels != x.channels()) {
    n.arguments().fail(fmt::format("weights for {} channels in {} groups", x.channels(), groups),
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
  return x.made(layer(x.node()));
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
Window read_transposed_window(const NodeImport& n, const ImageEdge& x, Size2 kernel, Size2& output_padding) {
  Window window = read_window(n, x, kernel);
  const std::string mode = n.node().text("auto_pad", "NOTSET");
  const bool has_shape = !n.node().integers("output_shape", {}).empty();
  if (!has_shape && !mode.starts_with("SAME")) return window;
  const Index h = x.height(), w = x.width();
  const Size2 out =
      has_shape ? read_pair(n, x, "output_shape", 1, 1) : Size2{h * window.strides.h, w * window.strides.w};
  const bool at_end = mode == "SAME_UPPER";
  const Index extent_h = (kernel.h - 1) * window.dilation.h + 1;
  const Index extent_w = (kernel.w - 1) * window.dilation.w + 1;
  window.rows = pads_for_output(h, out.h, extent_h, window.strides.h, output_padding.h, at_end);
  window.columns = pads_for_output(w, out.w, extent_w, window.strides.w, output_padding.w, at_end);
  return window;
}

Edge import_conv_transpose(const NodeImport& n) {
  const ImageEdge x(n);
  const Constant weights = read_weights(n, x);  // [channels, filters / groups, height, width]
  if (weights.dims[0] != x.channels()) n.arguments().fail("weights for the image's channels", dims_text(weights.dims));
  const Size2 kernel{weights.dims[2], weights.dims[3]};
  if (!(read_pair(n, x, "kernel_shape", 1, kernel) == kernel)) {
    n.arguments().fail("kernel_shape to be that of the weights", dims_text(weights.dims));
  }
  const Index groups = n.node().integer("group", 1);
  const std::optional<Index> filters = checked_multiply(weights.dims[1], groups);
  if (groups < 1 || !filters) n.arguments().fail("group of at least 1", std::to_string(groups));
  Size2 output_padding = read_pair(n, x, "output_padding", 0, 0);
  const Window window = read_transposed_window(n, x, kernel, output_padding);
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
  return x.made(layer(x.node()));
}

template <class Pool>
Edge pool(const NodeImport& n, const ImageEdge& x, const Window& window, const Node& input) {
  return x.made(Pool{{.pool = window.kernel,
                      .strides = window.strides,
                      .padding = window.padding(),
                      .dilation = window.dilation,
                      .name = n.name()}}(input));
}

Edge import_max_pool(const NodeImport& n) {
  const ImageEdge x(n);
  n.node().integer("storage_order", 0);  // of the second output, which no network reads
  return pool<MaxPool2D>(n, x, read_window(n, x, read_kernel(n, x)), x.node());
}

Edge import_average_pool(const NodeImport& n) {
  const ImageEdge x(n);
  Window window = read_window(n, x, read_kernel(n, x));
  if (n.node().integer("count_include_pad", 0) == 0 || !window.has_padding()) {
    return pool<AveragePool2D>(n, x, window, x.node());
  }
  const Node padded = ZeroPadding2D{{.padding = Padding{window.rows, window.columns}}}(x.node());
  window.rows = window.columns = {};
  return pool<AveragePool2D>(n, x, window, padded);
}

template <class Pool>
Edge import_global_pool(const NodeImport& n) {
  const ImageEdge x(n);
  return x.made(Pool{{.keepdims = true, .name = n.name()}}(x.node()));
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
  };
  return kOperators;
}

}  // namespace saccade::internal
