#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/version.h"
#include "saccade/io/facts_internal.h"
#include "saccade/io/layout_internal.h"
#include "saccade/io/onnx.h"
#include "saccade/io/onnx/export_internal.h"
#include "saccade/io/onnx/graph_internal.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade {
namespace {

using internal::Constant;
using internal::LayerExport;
using internal::set;
using internal::Value;
constexpr int kOpset = 14;  // HardSwish is of 14; all else is older
constexpr int kIrVersion = 7;

/// One step of arithmetic with a number: output = op(input, value).
void add_arithmetic(const LayerExport& l, const char* op, const std::string& input, const std::string& what,
                    float value, const std::string& output) {
  l.add_node(op, {input, l.add(what, value)}, output);
}

/// y = x * Phi(x), by the error function or by the usual approximation with tanh.
void add_gelu(const LayerExport& l, const std::string& input, bool exact) {
  if (exact) {
    add_arithmetic(l, "Mul", input, "sqrt_half", std::numbers::sqrt2_v<float> / 2.0F, l.own("scaled"));
    l.add_node("Erf", {l.own("scaled")}, l.own("curve"));
  } else {
    l.add_node("Mul", {input, input}, l.own("square"));
    add_arithmetic(l, "Mul", l.own("square"), "cubic", 0.044715F, l.own("bend"));
    add_arithmetic(l, "Add", l.own("bend"), "unit", 1.0F, l.own("factor"));
    l.add_node("Mul", {input, l.own("factor")}, l.own("sum"));
    add_arithmetic(l, "Mul", l.own("sum"), "slope", std::sqrt(2.0F * std::numbers::inv_pi_v<float>), l.own("scaled"));
    l.add_node("Tanh", {l.own("scaled")}, l.own("curve"));
  }
  add_arithmetic(l, "Add", l.own("curve"), "one", 1.0F, l.own("shifted"));
  add_arithmetic(l, "Mul", l.own("shifted"), "half", 0.5F, l.own("gate"));
  l.add_node("Mul", {input, l.own("gate")}, l.output());
}

void add_clip(const LayerExport& l, const std::string& input, float low, float high) {
  l.add_node("Clip", {input, l.add("min", low), l.add("max", high)}, l.output());
}

/// The activation from `input` to the layer's output.
void add_activation(const LayerExport& l, const std::string& input, const ActivationOptions& o) {
  switch (o.activation) {
    case Activation::linear:
      l.add_node("Identity", {input}, l.output());
      return;
    case Activation::relu:
      l.add_node("Relu", {input}, l.output());
      return;
    case Activation::leaky_relu:
      set(l.add_node("LeakyRelu", {input}, l.output()), "alpha", o.negative_slope);
      return;
    case Activation::relu6:
      add_clip(l, input, 0.0F, 6.0F);
      return;
    case Activation::elu:
      set(l.add_node("Elu", {input}, l.output()), "alpha", o.elu_alpha);
      return;
    case Activation::sigmoid:
      l.add_node("Sigmoid", {input}, l.output());
      return;
    case Activation::hard_sigmoid: {
      onnx::NodeProto& node = l.add_node("HardSigmoid", {input}, l.output());
      set(node, "alpha", o.hard_sigmoid_slope);
      set(node, "beta", o.hard_sigmoid_offset);
      return;
    }
    case Activation::tanh:
      l.add_node("Tanh", {input}, l.output());
      return;
    case Activation::softmax:
      set(l.add_node("Softmax", {input}, l.output()), "axis", Index{1});
      return;
    case Activation::log_softmax:
      set(l.add_node("LogSoftmax", {input}, l.output()), "axis", Index{1});
      return;
    case Activation::swish:
      l.add_node("Sigmoid", {input}, l.own("gate"));
      l.add_node("Mul", {input, l.own("gate")}, l.output());
      return;
    case Activation::hard_swish:
      l.add_node("HardSwish", {input}, l.output());
      return;
    case Activation::gelu:
      add_gelu(l, input, true);
      return;
    case Activation::gelu_tanh:
      add_gelu(l, input, false);
      return;
    case Activation::clip:
      add_clip(l, input, o.clip_low, o.clip_high);
      return;
  }
}

/// Where a layer with a fused activation writes what comes before it.
std::string before_activation(const LayerExport& l, Activation activation) {
  return activation == Activation::linear ? l.output() : l.own("linear");
}
void add_fused(const LayerExport& l, Activation activation) {
  if (activation != Activation::linear) add_activation(l, l.own("linear"), {.activation = activation});
}

template <class Options>
void set_window(onnx::NodeProto& node, const Options& o, const Shape& src, Size2 kernel, Size2 strides,
                Size2 dilation) {
  const kernels::Pads rows = o.padding.rows(src[0], kernel.h, strides.h, dilation.h);
  const kernels::Pads columns = o.padding.columns(src[1], kernel.w, strides.w, dilation.w);
  set(node, "kernel_shape", {kernel.h, kernel.w});
  set(node, "strides", {strides.h, strides.w});
  set(node, "pads", {rows.before, columns.before, rows.after, columns.after});
}

std::vector<std::string> with_bias(const LayerExport& l, std::vector<std::string> inputs) {
  if (l.has_parameter("bias")) inputs.push_back(l.add_parameter("bias"));
  return inputs;
}

Value export_convolution(const LayerExport& l, const auto& o, const Constant& filters, Index groups) {
  const std::vector<std::string> inputs =
      with_bias(l, {l.input().name, l.add("weight", internal::filters_to_oihw(filters))});
  onnx::NodeProto& node = l.add_node("Conv", inputs, before_activation(l, o.activation));
  set_window(node, o, l.src(), o.kernel, o.strides, o.dilation);
  set(node, "dilations", {o.dilation.h, o.dilation.w});
  set(node, "group", groups);
  add_fused(l, o.activation);
  return {l.output()};
}

Value export_conv2d(const LayerExport& l) {
  const Conv2DOptions& o = l.options<Conv2D>();
  return export_convolution(l, o, l.parameter("weight"), o.groups);
}

Value export_depthwise_conv2d(const LayerExport& l) {
  const DepthwiseConv2DOptions& o = l.options<DepthwiseConv2D>();
  const Index channels = l.src()[2];
  return export_convolution(l, o, l.parameter("weight", {o.kernel.h, o.kernel.w, 1, channels * o.depth_multiplier}),
                            channels);
}

/// Pads and output padding of one axis of a transposed convolution, of which ONNX wants numbers.
struct TransposedAxis {
  kernels::Pads pads;
  Index output_padding = 0;
};
TransposedAxis transposed_axis(Index in, Index out, Index extent, Index stride, kernels::Pads explicit_pads,
                               bool is_explicit, Index output_padding) {
  if (is_explicit) return {explicit_pads, output_padding};
  const Index total = (in - 1) * stride + extent - out;
  if (total < 0) return {{}, -total};
  return {{total / 2, total - total / 2}, 0};
}

Value export_conv2d_transpose(const LayerExport& l) {
  const Conv2DTransposeOptions& o = l.options<Conv2DTranspose>();
  const Shape src = l.src();
  const bool is_explicit = o.padding.kind() == Padding::Kind::explicit_;
  const TransposedAxis rows =
      transposed_axis(src[0], l.dst()[0], (o.kernel.h - 1) * o.dilation.h + 1, o.strides.h,
                      o.padding.rows(src[0], o.kernel.h, o.strides.h, o.dilation.h), is_explicit, o.output_padding.h);
  const TransposedAxis columns = transposed_axis(src[1], l.dst()[1], (o.kernel.w - 1) * o.dilation.w + 1, o.strides.w,
                                                 o.padding.columns(src[1], o.kernel.w, o.strides.w, o.dilation.w),
                                                 is_explicit, o.output_padding.w);
  const std::vector<std::string> inputs =
      with_bias(l, {l.input().name, l.add("weight", internal::filters_to_oihw(l.parameter("weight")))});
  onnx::NodeProto& node = l.add_node("ConvTranspose", inputs, before_activation(l, o.activation));
  set(node, "kernel_shape", {o.kernel.h, o.kernel.w});
  set(node, "strides", {o.strides.h, o.strides.w});
  set(node, "pads", {rows.pads.before, columns.pads.before, rows.pads.after, columns.pads.after});
  set(node, "output_padding", {rows.output_padding, columns.output_padding});
  set(node, "dilations", {o.dilation.h, o.dilation.w});
  set(node, "group", o.groups);
  add_fused(l, o.activation);
  return {l.output()};
}

Value export_dense(const LayerExport& l) {
  const DenseOptions& o = l.options<Dense>();
  Constant weight = l.parameter("weight");  // [inputs, units], rows in the order of [h, w, c]
  if (const std::optional<Shape>& image = l.input().flattened) {
    weight = internal::dense_weight_channels_first(weight, *image);
  }
  l.add_node("Gemm", with_bias(l, {l.input().name, l.add("weight", weight)}), before_activation(l, o.activation));
  add_fused(l, o.activation);
  return {l.output()};
}

Value export_batch_norm(const LayerExport& l) {
  const BatchNormOptions& o = l.options<BatchNorm>();
  l.require_image_order();
  std::vector<std::string> inputs = {l.input().name};
  for (const char* name : {"gamma", "beta", "moving_mean", "moving_variance"}) inputs.push_back(l.add_parameter(name));
  onnx::NodeProto& node = l.add_node("BatchNormalization", inputs, l.output());
  set(node, "epsilon", o.epsilon);
  set(node, "momentum", o.momentum);
  return {l.output()};
}

Value export_activation(const LayerExport& l) {
  const ActivationOptions& o = l.options<ActivationLayer>();
  if (is_softmax(o.activation)) l.require_image_order();
  add_activation(l, l.input().name, o);
  return {l.output(), l.input().flattened};
}

Value export_prelu(const LayerExport& l) {
  l.require_image_order();
  const Index channels = l.dst()[-1];
  std::vector<Index> dims(usize(l.dst().rank()), 1);
  dims.front() = channels;
  l.add_node("PRelu", {l.input().name, l.add_parameter("alpha", dims)}, l.output());
  return {l.output()};
}

Value export_dropout(const LayerExport& l) {
  l.add_node("Dropout", {l.input().name, l.add("ratio", l.options<Dropout>().rate)}, l.output());
  return {l.output(), l.input().flattened};
}

/// Element by element: `op` for two inputs, `many` for more.
Value export_merge(const LayerExport& l, const char* op, const char* many) {
  std::vector<std::string> names;
  for (const Value& value : l.inputs()) {
    if (value.flattened != l.input().flattened) l.require_image_order();
    names.push_back(value.name);
  }
  l.add_node(names.size() == 2 ? op : many, names, l.output());
  return {l.output(), l.input().flattened};
}
Value export_add(const LayerExport& l) { return export_merge(l, "Add", "Sum"); }
Value export_multiply(const LayerExport& l) { return export_merge(l, "Mul", "Mul"); }

template <class Pool>
onnx::NodeProto& add_pool(const LayerExport& l, const char* op) {
  const Pool2DOptions& o = l.options<Pool>();
  onnx::NodeProto& node = l.add_node(op, {l.input().name}, l.output());
  set_window(node, o, l.src(), o.pool, o.strides.value_or(o.pool), o.dilation);
  return node;
}
Value export_max_pool(const LayerExport& l) {
  const Size2 dilation = l.options<MaxPool2D>().dilation;
  onnx::NodeProto& node = add_pool<MaxPool2D>(l, "MaxPool");
  if (!(dilation == Size2(1))) set(node, "dilations", {dilation.h, dilation.w});
  return {l.output()};
}
Value export_average_pool(const LayerExport& l) {
  const Size2 dilation = l.options<AveragePool2D>().dilation;
  if (!(dilation == Size2(1))) l.fail("an average pool without dilation", dilation.to_string());
  add_pool<AveragePool2D>(l, "AveragePool");
  return {l.output()};
}

template <class Pool>
Value export_global_pool(const LayerExport& l, const char* op) {
  const bool keeps_axes = l.options<Pool>().keepdims;
  const std::string pooled = keeps_axes ? l.output() : l.own("pooled");
  l.add_node(op, {l.input().name}, pooled);
  if (!keeps_axes) l.add_node("Flatten", {pooled}, l.output());
  return {l.output()};
}
Value export_global_max_pool(const LayerExport& l) { return export_global_pool<GlobalMaxPool2D>(l, "GlobalMaxPool"); }
Value export_global_average_pool(const LayerExport& l) {
  return export_global_pool<GlobalAveragePool2D>(l, "GlobalAveragePool");
}

Value export_zero_padding(const LayerExport& l) {
  const ZeroPadding2DOptions& o = l.options<ZeroPadding2D>();
  const kernels::Pads rows = o.padding.rows(l.src()[0], 1, 1, 1), columns = o.padding.columns(l.src()[1], 1, 1, 1);
  const Constant pads = Constant::list({0, o.channels_before, rows.before, columns.before,  //
                                        0, o.channels_after, rows.after, columns.after});
  l.add_node("Pad", {l.input().name, l.add("pads", pads)}, l.output());
  return {l.output()};
}

Value export_up_sampling(const LayerExport& l) {
  const UpSampling2DOptions& o = l.options<UpSampling2D>();
  const Constant scales =
      Constant::of({4}, std::vector<float>{1.0F, 1.0F, static_cast<float>(o.size.h), static_cast<float>(o.size.w)});
  onnx::NodeProto& node = l.add_node("Resize", {l.input().name, "", l.add("scales", scales)}, l.output());
  set(node, "mode", o.interpolation == UpSampling::nearest ? "nearest" : "linear");
  set(node, "coordinate_transformation_mode", "half_pixel");
  set(node, "nearest_mode", "round_prefer_floor");
  return {l.output()};
}

Value export_local_response_norm(const LayerExport& l) {
  const LocalResponseNormOptions& o = l.options<LocalResponseNorm>();
  l.require_image_order();
  onnx::NodeProto& node = l.add_node("LRN", {l.input().name}, l.output());
  set(node, "size", o.size);
  set(node, "alpha", o.alpha);
  set(node, "beta", o.beta);
  set(node, "bias", o.bias);
  return {l.output()};
}

Value export_flatten(const LayerExport& l) {
  l.add_node("Flatten", {l.input().name}, l.output());
  if (internal::has_one_order(internal::channels_first(l.src()))) return {l.output(), l.input().flattened};
  return {l.output(), l.src()};
}

struct LayerExporter {
  std::string_view type;
  Value (*run)(const LayerExport& layer);
};

/// An Input is no node.
Value export_input(const LayerExport& l) { return {l.output()}; }

constexpr std::array kExporters = {
    LayerExporter{"Activation", export_activation},
    LayerExporter{"Add", export_add},
    LayerExporter{"Arithmetic", internal::export_arithmetic},
    LayerExporter{"AveragePool2D", export_average_pool},
    LayerExporter{"BatchNorm", export_batch_norm},
    LayerExporter{"Concatenate", internal::export_concatenate},
    LayerExporter{"Conv2D", export_conv2d},
    LayerExporter{"Conv2DTranspose", export_conv2d_transpose},
    LayerExporter{"Dense", export_dense},
    LayerExporter{"DepthwiseConv2D", export_depthwise_conv2d},
    LayerExporter{"Dropout", export_dropout},
    LayerExporter{"Flatten", export_flatten},
    LayerExporter{"GlobalAveragePool2D", export_global_average_pool},
    LayerExporter{"GlobalMaxPool2D", export_global_max_pool},
    LayerExporter{"Input", export_input},
    LayerExporter{"LocalResponseNorm", export_local_response_norm},
    LayerExporter{"MaxPool2D", export_max_pool},
    LayerExporter{"Multiply", export_multiply},
    LayerExporter{"PReLU", export_prelu},
    LayerExporter{"Pad", internal::export_pad},
    LayerExporter{"Permute", internal::export_permute},
    LayerExporter{"Reduce", internal::export_reduce},
    LayerExporter{"Resample", internal::export_resample},
    LayerExporter{"Reshape", internal::export_reshape},
    LayerExporter{"Slice", internal::export_slice},
    LayerExporter{"UpSampling2D", export_up_sampling},
    LayerExporter{"ZeroPadding2D", export_zero_padding},
};

/// A graph's input or output: floats, the batch of any size.
void describe(onnx::ValueInfoProto& value, const std::string& name, const Shape& image) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const Index dim : internal::channels_first(image)) type.mutable_shape()->add_dim()->set_dim_value(dim);
}

}  // namespace

std::string encode_onnx(const Model& model) {
  onnx::ModelProto proto;
  proto.set_ir_version(kIrVersion);
  proto.set_producer_name("saccade");
  proto.set_producer_version(std::string(kVersion));
  proto.add_opset_import()->set_version(kOpset);
  for (const auto& [key, value] : internal::facts_of(model)) {
    onnx::StringStringEntryProto& entry = *proto.add_metadata_props();
    entry.set_key(std::string(internal::kOnnxFactPrefix) + key);
    entry.set_value(value);
  }
  onnx::GraphProto& graph = *proto.mutable_graph();
  graph.set_name(model.name());
  std::vector<Value> values;
  for (const GraphNode& node : model.nodes()) {
    std::vector<Value> inputs;
    for (const std::size_t from : node.inputs) inputs.push_back(values[from]);
    const auto* exporter = std::ranges::find(kExporters, node.layer->type(), &LayerExporter::type);
    if (exporter == kExporters.end()) {
      throw ValueError({.where = fmt::format("layer '{}'", node.name),
                        .expected = "a layer that ONNX can say",
                        .got = std::string(node.layer->type()),
                        .fix = "save the network as .safetensors"});
    }
    values.push_back(exporter->run(LayerExport(model, node, std::move(inputs), graph)));
  }
  const Value& output = values.back();
  if (output.flattened) {
    throw ValueError({.where = fmt::format("network '{}'", model.name()),
                      .expected = "an image or a row of class scores as output, where it is exported to ONNX",
                      .got = "a flattened image",
                      .fix = "end it in a Dense layer or global pooling"});
  }
  describe(*graph.add_input(), values.front().name, model.input_shape());
  describe(*graph.add_output(), output.name, model.output_shape());
  std::string bytes;
  if (!proto.SerializeToString(&bytes)) {
    throw ValueError({.where = fmt::format("network '{}'", model.name()),
                      .expected = "less than 2 GiB of weights, which is all that an ONNX file holds",
                      .got = fmt::format("{} numbers", model.parameter_count()),
                      .fix = "save the network as .safetensors"});
  }
  return bytes;
}

void save_onnx(const Model& model, const std::filesystem::path& path) { write_file(path, encode_onnx(model)); }

}  // namespace saccade
