#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "saccade/base/error.h"
#include "saccade/io/keras/import_internal.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade::internal {
namespace {

/// The layer with its activation, as a layer behind it where it has no such option.
template <class L, class Options>
Node activated(const LayerImport& layer, Options options, const Node& input) {
  ActivationOptions activation = layer.activation();
  if (activation.activation == softmax || ActivationLayer(activation).is_usual()) {
    options.activation = activation.activation;
    return L{options}(input);
  }
  activation.name = layer.part("activation");
  return ActivationLayer{activation}(L{options}(input));
}

/// The weights of a layer of ours, which Keras has in the same order and shape.
void add_weights(const LayerImport& layer, const Layer& ours, const Shape& input, std::string_view weight_name) {
  const std::array<Shape, 1> inputs{input};
  for (const ParameterSpec& spec : ours.parameters(inputs)) {
    layer.add_weight({.name = spec.name == "weight" ? std::string(weight_name) : spec.name,
                      .shape = spec.shape,
                      .parameter = fmt::format("{}.{}", ours.name(), spec.name)});
  }
}

Node conv2d(const LayerImport& layer) {
  layer.image();
  layer.require_channels_last();
  const Conv2DOptions options{.filters = layer.integer("filters"),
                              .kernel = layer.size("kernel_size"),
                              .strides = layer.size("strides", 1),
                              .padding = layer.padding(),
                              .dilation = layer.size("dilation_rate", 1),
                              .groups = layer.integer("groups", 1),
                              .use_bias = layer.boolean("use_bias", true),
                              .l2 = layer.l2(),
                              .name = layer.name()};
  Node y = activated<Conv2D>(layer, options, layer.input());
  add_weights(layer, Conv2D(options), layer.input().shape(), "kernel");
  return y;
}

DepthwiseConv2DOptions depthwise_options(const LayerImport& layer) {
  layer.image();
  layer.require_channels_last();
  return {.kernel = layer.size("kernel_size"),
          .strides = layer.size("strides", 1),
          .padding = layer.padding(),
          .dilation = layer.size("dilation_rate", 1),
          .depth_multiplier = layer.integer("depth_multiplier", 1),
          .use_bias = layer.boolean("use_bias", true),
          .name = layer.name()};
}

Node depthwise_conv2d(const LayerImport& layer) {
  const DepthwiseConv2DOptions options = depthwise_options(layer);
  Node y = activated<DepthwiseConv2D>(layer, options, layer.input());
  add_weights(layer, DepthwiseConv2D(options), layer.input().shape(), "depthwise_kernel");
  return y;
}

/// A depthwise convolution, and one of single pixels that has the bias and activation.
Node separable_conv2d(const LayerImport& layer) {
  DepthwiseConv2DOptions depthwise = depthwise_options(layer);
  const Conv2DOptions pointwise{
      .filters = layer.integer("filters"), .use_bias = depthwise.use_bias, .name = layer.part("pointwise")};
  depthwise.use_bias = false;
  depthwise.name = layer.part("depthwise");
  const Node between = DepthwiseConv2D{depthwise}(layer.input());
  Node y = activated<Conv2D>(layer, pointwise, between);
  add_weights(layer, DepthwiseConv2D(depthwise), layer.input().shape(), "depthwise_kernel");
  add_weights(layer, Conv2D(pointwise), between.shape(), "pointwise_kernel");
  return y;
}

Node conv2d_transpose(const LayerImport& layer) {
  layer.image();
  layer.require_channels_last();
  if (layer.find("output_padding") != nullptr) layer.fail("output_padding left out", "one");
  const Conv2DTransposeOptions options{.filters = layer.integer("filters"),
                                       .kernel = layer.size("kernel_size"),
                                       .strides = layer.size("strides", 1),
                                       .padding = layer.padding(),
                                       .dilation = layer.size("dilation_rate", 1),
                                       .use_bias = layer.boolean("use_bias", true),
                                       .l2 = layer.l2(),
                                       .name = layer.name()};
  Node y = activated<Conv2DTranspose>(layer, options, layer.input());
  add_weights(layer, Conv2DTranspose(options), layer.input().shape(), "kernel");
  return y;
}

/// On an image Keras's Dense works on each pixel, as a convolution of single pixels does.
Node dense(const LayerImport& layer) {
  const Index units = layer.integer("units");
  const bool use_bias = layer.boolean("use_bias", true);
  const Shape& shape = layer.input().shape();
  if (shape.rank() != 1) {
    const Conv2DOptions options{.filters = units, .use_bias = use_bias, .l2 = layer.l2(), .name = layer.name()};
    layer.image();
    Node y = activated<Conv2D>(layer, options, layer.input());
    layer.add_weight({.name = "kernel", .shape = {shape[-1], units}, .parameter = layer.name() + ".weight"});
    if (use_bias) layer.add_weight({.name = "bias", .shape = {units}, .parameter = layer.name() + ".bias"});
    return y;
  }
  const DenseOptions options{.units = units, .use_bias = use_bias, .l2 = layer.l2(), .name = layer.name()};
  Node y = activated<Dense>(layer, options, layer.input());
  add_weights(layer, Dense(options), shape, "kernel");
  return y;
}

Node batch_normalization(const LayerImport& layer) {
  layer.require_last_axis("axis");
  const BatchNormOptions options{
      .momentum = layer.number("momentum", 0.99F), .epsilon = layer.number("epsilon", 1e-3F), .name = layer.name()};
  Node y = BatchNorm{options}(layer.input());
  const auto add = [&](const char* name, const char* option, float otherwise, bool learns) {
    const std::string parameter = fmt::format("{}.{}", layer.name(), name);
    if (option != nullptr && !layer.boolean(option, true)) {
      layer.add_constant(parameter, otherwise);
    } else {
      layer.add_weight({.name = name, .shape = {layer.channels()}, .parameter = parameter, .learns = learns});
    }
  };
  add("gamma", "scale", 1.0F, true);
  add("beta", "center", 0.0F, true);
  add("moving_mean", nullptr, 0.0F, false);
  add("moving_variance", nullptr, 1.0F, false);
  return y;
}

Node activation(const LayerImport& layer) {
  ActivationOptions options = layer.activation();
  options.name = layer.name();
  return ActivationLayer{options}(layer.input());
}

Node of(const LayerImport& layer, ActivationOptions options) {
  options.name = layer.name();
  return ActivationLayer{options}(layer.input());
}

Node relu_layer(const LayerImport& layer) {
  const float slope = layer.number("negative_slope", 0.0F);
  if (layer.number("threshold", 0.0F) != 0.0F) layer.fail("a threshold of 0", "another");
  if (layer.find("max_value") != nullptr) {
    const float largest = layer.number("max_value");
    if (slope != 0.0F) layer.fail("no max_value beside negative_slope", "both");
    if (largest == 6.0F) return of(layer, {.activation = relu6});
    return of(layer, {.activation = clip, .clip_low = 0.0F, .clip_high = largest});
  }
  if (slope != 0.0F) return of(layer, {.activation = leaky_relu, .negative_slope = slope});
  return of(layer, {.activation = relu});
}

Node leaky_relu_layer(const LayerImport& layer) {
  // "alpha" until version 3
  const float slope = layer.number("negative_slope", layer.number("alpha", 0.3F));
  return of(layer, {.activation = leaky_relu, .negative_slope = slope});
}

Node elu_layer(const LayerImport& layer) {
  return of(layer, {.activation = elu, .elu_alpha = layer.number("alpha", 1.0F)});
}

Node softmax_layer(const LayerImport& layer) {
  layer.require_last_axis("axis");
  return of(layer, {.activation = softmax});
}

/// One slope a channel: shared by all pixels.
Node prelu(const LayerImport& layer) {
  const Shape& shape = layer.input().shape();
  std::vector<Index> extents(shape.extents().begin(), shape.extents().end());
  if (const Json* axes = layer.find("shared_axes")) {
    for (const Json& axis : read_array(*axes, layer.where("shared_axes"))) {
      const Index place = read_index(axis, layer.where("shared_axes"));
      if (place < 1 || place > isize(extents.size())) layer.fail("shared_axes of the input", show(axis));
      extents[usize(place - 1)] = 1;
    }
  }
  const Shape alpha(extents);
  if (alpha.elements() != shape[-1] || alpha[-1] != shape[-1]) {
    layer.fail("shared_axes=[1, 2], one slope a channel", alpha.to_string());
  }
  layer.add_weight({.name = "alpha", .shape = alpha, .parameter = layer.name() + ".alpha"});
  return PReLU{{.name = layer.name()}}(layer.input());
}

template <class L>
Node pool(const LayerImport& layer) {
  layer.require_channels_last();
  const Size2 window = layer.size("pool_size", 2);
  return L{
      {.pool = window, .strides = layer.size("strides", window), .padding = layer.padding(), .name = layer.name()}}(
      layer.input());
}

template <class L>
Node global_pool(const LayerImport& layer) {
  layer.require_channels_last();
  return L{{.keepdims = layer.boolean("keepdims", false), .name = layer.name()}}(layer.input());
}

Node flatten(const LayerImport& layer) {
  layer.require_channels_last();
  return Flatten{{.name = layer.name()}}(layer.input());
}

Node reshape(const LayerImport& layer) {
  const Json* target = layer.find("target_shape");
  if (target == nullptr) layer.fail("a target_shape", "none");
  std::vector<Index> extents;
  std::optional<Index> known = 1;
  std::optional<std::size_t> open;
  for (const Json& json : read_array(*target, layer.where("target_shape"))) {
    const Index extent = read_index(json, layer.where("target_shape"));
    if (extent == -1 && !open) {
      open = extents.size();
    } else {
      if (extent < 1) layer.fail("extents of 1 and more, and one -1", show(json));
      known = known ? checked_multiply(*known, extent) : std::nullopt;
    }
    extents.push_back(extent);
  }
  const Index elements = layer.input().shape().elements();
  if (open && (!known || elements % *known != 0)) {
    layer.fail(fmt::format("a target_shape of {} elements", elements), show(*target));
  }
  if (open) extents[*open] = elements / *known;
  return Reshape{{.shape = Shape(extents), .name = layer.name()}}(layer.input());
}

Node dropout(const LayerImport& layer) {
  if (layer.find("noise_shape") != nullptr) layer.fail("no noise_shape", "one");
  return Dropout{{.rate = layer.number("rate"), .name = layer.name()}}(layer.input());
}

/// ((top, bottom), (left, right)) of an option that may also be one number, or one a pair.
std::array<std::pair<Index, Index>, 2> frame(const LayerImport& layer, const std::string& key, Index otherwise) {
  const std::string where = layer.where(key);
  const Json* json = layer.find(key);
  const auto of_axis = [&](std::size_t axis) -> std::pair<Index, Index> {
    if (json == nullptr) return {otherwise, otherwise};
    if (json->is_number()) return {read_index(*json, where), read_index(*json, where)};
    if (!json->is_array() || json->size() != 2) layer.fail(fmt::format("a {} of two axes", key), show(*json));
    const Json& one = (*json)[axis];
    if (one.is_number()) return {read_index(one, where), read_index(one, where)};
    if (!one.is_array() || one.size() != 2) layer.fail(fmt::format("two sides of {}", key), show(one));
    return {read_index(one[0], where), read_index(one[1], where)};
  };
  return {of_axis(0), of_axis(1)};
}

Node zero_padding2d(const LayerImport& layer) {
  layer.require_channels_last();
  const auto [rows, columns] = frame(layer, "padding", 1);
  const Padding padding = pads(rows.first, rows.second, columns.first, columns.second);
  return ZeroPadding2D{{.padding = padding, .name = layer.name()}}(layer.input());
}

Node add(const LayerImport& layer) { return Add{{.name = layer.name()}}(layer.inputs()); }

Node multiply(const LayerImport& layer) {
  if (layer.inputs().size() != 2) layer.fail("two inputs", fmt::format("{}", layer.inputs().size()));
  return Multiply{{.name = layer.name()}}(layer.inputs());
}

Node subtract(const LayerImport& layer) {
  if (layer.inputs().size() != 2) layer.fail("two inputs", fmt::format("{}", layer.inputs().size()));
  return Arithmetic{{.operation = ArithmeticKind::subtract, .name = layer.name()}}(layer.inputs());
}

/// Keras counts the batch as axis 0.
Node concatenate(const LayerImport& layer) {
  const Index axis = layer.integer("axis", -1);
  if (axis == 0) layer.fail("an axis of the image", "the batch's");
  return Concatenate{{.axis = axis < 0 ? axis : axis - 1, .name = layer.name()}}(layer.inputs());
}

Node cropping2d(const LayerImport& layer) {
  layer.require_channels_last();
  const Shape& shape = layer.image();
  const auto [rows, columns] = frame(layer, "cropping", 0);
  for (const Index side : {rows.first, rows.second, columns.first, columns.second}) {
    if (side < 0 || side > std::max(shape[0], shape[1]))
      layer.fail("a cropping within the image", fmt::format("{}", side));
  }
  const auto crop = [&](const Node& x, int axis, std::pair<Index, Index> sides, const std::string& name) {
    return Slice{{.axis = axis, .start = sides.first, .count = shape[axis] - sides.first - sides.second, .name = name}}(
        x);
  };
  const std::pair<Index, Index> none{0, 0};
  if (rows == none) return crop(layer.input(), 1, columns, layer.name());
  if (columns == none) return crop(layer.input(), 0, rows, layer.name());
  return crop(crop(layer.input(), 0, rows, layer.part("rows")), 1, columns, layer.name());
}

Node permute(const LayerImport& layer) {
  const Json* dims = layer.find("dims");
  if (dims == nullptr) layer.fail("an option 'dims'", "none");
  std::vector<Index> axes;
  for (const Json& dim : read_array(*dims, layer.where("dims"))) {
    const Index axis = read_index(dim, layer.where("dims"));
    if (axis < 1 || axis > Shape::kMaxRank) layer.fail("dims that count from 1", show(dim));
    axes.push_back(axis - 1);
  }
  return Permute{{.axes = Shape(axes), .name = layer.name()}}(layer.input());
}

Node up_sampling2d(const LayerImport& layer) {
  layer.require_channels_last();
  const std::string kind = layer.text("interpolation", "nearest");
  if (kind != "nearest" && kind != "bilinear")
    layer.fail("interpolation nearest or bilinear", fmt::format("'{}'", kind));
  return UpSampling2D{{.size = layer.size("size", 2),
                       .interpolation = kind == "nearest" ? UpSampling::nearest : UpSampling::bilinear,
                       .name = layer.name()}}(layer.input());
}

constexpr std::array kClasses{
    KerasClass{"Activation", &activation},
    KerasClass{"Add", &add},
    KerasClass{"AveragePooling2D", &pool<AveragePool2D>},
    KerasClass{"BatchNormalization", &batch_normalization},
    KerasClass{"Concatenate", &concatenate},
    KerasClass{"Conv2D", &conv2d},
    KerasClass{"Conv2DTranspose", &conv2d_transpose},
    KerasClass{"Cropping2D", &cropping2d},
    KerasClass{"Dense", &dense},
    KerasClass{"DepthwiseConv2D", &depthwise_conv2d},
    KerasClass{"Dropout", &dropout},
    KerasClass{"ELU", &elu_layer},
    KerasClass{"Flatten", &flatten},
    KerasClass{"GlobalAveragePooling2D", &global_pool<GlobalAveragePool2D>},
    KerasClass{"GlobalMaxPooling2D", &global_pool<GlobalMaxPool2D>},
    KerasClass{"LeakyReLU", &leaky_relu_layer},
    KerasClass{"MaxPooling2D", &pool<MaxPool2D>},
    KerasClass{"Multiply", &multiply},
    KerasClass{"PReLU", &prelu},
    KerasClass{"Permute", &permute},
    KerasClass{"ReLU", &relu_layer},
    KerasClass{"Reshape", &reshape},
    KerasClass{"SeparableConv2D", &separable_conv2d},
    KerasClass{"Softmax", &softmax_layer},
    KerasClass{"Subtract", &subtract},
    KerasClass{"UpSampling2D", &up_sampling2d},
    KerasClass{"ZeroPadding2D", &zero_padding2d},
};

}  // namespace

std::span<const KerasClass> keras_classes() { return kClasses; }

void LayerImport::fail(std::string expected, std::string got, std::string fix) const {
  throw FormatError({where_, std::move(expected), std::move(got), std::move(fix)});
}

const Shape& LayerImport::image() const {
  if (input().shape().rank() != 3) fail("an image [height, width, channels]", input().shape().to_string());
  return input().shape();
}

const Json* LayerImport::find(const std::string& key) const {
  const auto found = layer_.config.find(key);
  return found == layer_.config.end() || found->is_null() ? nullptr : &*found;
}

Index LayerImport::integer(const std::string& key, std::optional<Index> otherwise) const {
  const Json* json = find(key);
  if (json == nullptr && otherwise) return *otherwise;
  if (json == nullptr) fail(fmt::format("an option '{}'", key), "none");
  return read_index(*json, where(key));
}

float LayerImport::number(const std::string& key, std::optional<float> otherwise) const {
  const Json* json = find(key);
  if (json == nullptr && otherwise) return *otherwise;
  if (json == nullptr) fail(fmt::format("an option '{}'", key), "none");
  // Keras 3 writes numbers that were arrays as {"class_name": "__numpy__", "config": {"value": 0.3}}.
  if (json->is_object() && json->contains("config") && (*json)["config"].is_object()) {
    return read_float(read_member((*json)["config"], "value", where(key)), where(key));
  }
  return read_float(*json, where(key));
}

bool LayerImport::boolean(const std::string& key, bool otherwise) const {
  const Json* json = find(key);
  return json == nullptr ? otherwise : read_bool(*json, where(key));
}

std::string LayerImport::text(const std::string& key, const std::string& otherwise) const {
  const Json* json = find(key);
  return json == nullptr ? otherwise : read_string(*json, where(key));
}

Size2 LayerImport::size(const std::string& key, std::optional<Size2> otherwise) const {
  const Json* json = find(key);
  if (json == nullptr && otherwise) return *otherwise;
  if (json == nullptr) fail(fmt::format("an option '{}'", key), "none");
  if (!json->is_array()) return Size2(read_index(*json, where(key)));
  if (json->size() != 2) fail(fmt::format("two numbers as '{}'", key), fmt::format("{}", json->size()));
  return {read_index((*json)[0], where(key)), read_index((*json)[1], where(key))};
}

Padding LayerImport::padding() const {
  const std::string kind = text("padding", "valid");
  if (kind != "valid" && kind != "same") fail("padding valid or same", fmt::format("'{}'", kind));
  return kind == "same" ? same : valid;
}

void LayerImport::require_last_axis(const std::string& key) const {
  const Json* json = find(key);
  if (json == nullptr) return;
  if (json->is_array() && json->size() != 1) fail("the last axis", fmt::format("{} axes", json->size()));
  const Index axis = read_index(json->is_array() ? (*json)[0] : *json, where(key));
  // Keras counts the batch as axis 0.
  if (axis == -1 || axis == input().shape().rank()) return;
  fail("the last axis, which is the channels'", fmt::format("axis {}", axis));
}

void LayerImport::require_channels_last() const {
  const std::string order = text("data_format", "channels_last");
  if (order == "channels_last") return;
  fail("data_format channels_last, images as [height, width, channels]", fmt::format("'{}'", order),
       "build the model with channels_last and set its weights there");
}

float LayerImport::l2() const {
  for (const char* key : {"kernel_regularizer", "depthwise_regularizer"}) {
    const Json* json = find(key);
    if (json == nullptr || !json->is_object() || !json->contains("config") || !(*json)["config"].is_object()) continue;
    const Json& config = (*json)["config"];
    if (const auto l2 = config.find("l2"); l2 != config.end() && l2->is_number()) {
      return std::max(0.0F, read_float(*l2, where(key)));
    }
  }
  return 0.0F;
}

ActivationOptions LayerImport::activation() const {
  const Json* json = find("activation");
  if (json == nullptr) return {.activation = Activation::linear};
  std::string name;
  const std::string place = where("activation");
  if (json->is_string()) {
    name = json->get<std::string>();
  } else {
    // {"class_name": "function", "config": "relu"}, or a layer such as {"class_name": "ReLU", "config": {...}}
    name = read_string(read_member(read_object(*json, place), "class_name", place), place);
    const Json& config = read_member(*json, "config", place);
    if (name == "function") name = read_string(config, place);
    if (name == "LeakyReLU" && config.is_object() && config.contains("negative_slope")) {
      return {.activation = leaky_relu, .negative_slope = read_float(config["negative_slope"], place)};
    }
    if (name == "ReLU") name = "relu";
  }
  if (name == "hard_sigmoid" && version_ == KerasVersion::two) {
    return {.activation = hard_sigmoid, .hard_sigmoid_slope = 0.2F};
  }
  constexpr std::array<std::string_view, 15> kNames = {
      "linear", "relu",    "relu6",       "elu",          "sigmoid",    "tanh",      "swish",     "silu",
      "gelu",   "softmax", "log_softmax", "hard_sigmoid", "hard_swish", "hard_silu", "leaky_relu"};
  if (std::ranges::find(kNames, name) == kNames.end()) {
    fail(fmt::format("an activation of {}", fmt::join(kNames, ", ")), fmt::format("'{}'", name));
  }
  return {.activation = parse_activation(name)};
}

}  // namespace saccade::internal
