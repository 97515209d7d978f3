#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/io/archive_internal.h"
#include "saccade/io/facts_internal.h"
#include "saccade/io/keras.h"
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

namespace saccade {
namespace {

using internal::KerasVersion;
using internal::OrderedJson;
using internal::stored_float;

/// A weight as Keras keeps it.
struct Stored {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

/// A layer of Keras's.
struct Written {
  std::string class_name, name;
  OrderedJson config;
  std::vector<std::string> inputs;
  Shape shape;  ///< Of its output.
  std::vector<Stored> weights;
};

OrderedJson json_of(const Size2& size) { return {size.h, size.w}; }

OrderedJson with_batch(const Shape& shape) {
  OrderedJson json = OrderedJson::array({nullptr});
  for (const Index extent : shape.extents()) json.push_back(extent);
  return json;
}

/// Turns the nodes of one network into layers of Keras's.
class Exporter {
 public:
  Exporter(const Model& net, KerasVersion version) : net_(net), version_(version) {}

  std::vector<Written> run() {
    for (std::size_t i = 0; i < net_.nodes().size(); ++i) {
      node_ = &net_.nodes()[i];
      chain_.clear();
      for (const std::size_t input : node_->inputs) chain_.push_back(outputs_[input]);
      export_node();
      if (i == 0) add_preprocessing();
      outputs_.push_back(chain_.front());
    }
    return std::move(layers_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ValueError({.where = fmt::format("layer '{}' ({})", node_->name, node_->layer->type()),
                      .expected = fmt::format("something that Keras {} has a layer for", version_number()),
                      .got = what,
                      .fix = "save it as .onnx or .safetensors"});
  }
  int version_number() const { return version_ == KerasVersion::three ? 3 : 2; }

  const Shape& input_shape() const { return net_.nodes()[node_->inputs.front()].shape; }

  /// A name of letters, digits, '-' and '_', which every version takes.
  std::string unused(const std::string& stem) {
    std::string name = stem;
    const auto good = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    std::ranges::replace_if(
        name, [&](char c) { return !good(c); }, '_');
    if (name.empty() || name.front() == '_' || name.front() == '-') name = "layer" + name;
    const std::string first = name;
    for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", first, i);
    return name;
  }

  /// Adds a layer that takes what stands at the end of the chain, and is the chain's end then.
  Written& add(const std::string& class_name, const std::string& stem, const Shape& shape, OrderedJson options) {
    Written& layer = layers_.emplace_back();
    layer.class_name = class_name;
    layer.name = unused(stem);
    layer.config = {{"name", layer.name}, {"trainable", learns()}, {"dtype", "float32"}};
    layer.config.update(options);
    layer.inputs = chain_;
    layer.shape = shape;
    chain_ = {layer.name};
    return layer;
  }
  Written& add(const std::string& class_name, OrderedJson options = OrderedJson::object()) {
    return add(class_name, node_->name, node_->shape, std::move(options));
  }

  bool learns() const {
    return node_->parameters.empty() ||
           std::ranges::any_of(node_->parameters, [&](std::size_t i) { return net_.parameters()[i].trainable; });
  }

  void add_weights(Written& layer, std::string_view weight_name) const {
    for (const std::size_t i : node_->parameters) {
      const Parameter& parameter = net_.parameters()[i];
      const std::string own = parameter.name.substr(node_->name.size() + 1);
      const std::span<const float> values = parameter.value.floats();
      layer.weights.push_back(
          {own == "weight" ? std::string(weight_name) : own, parameter.value.shape(), {values.begin(), values.end()}});
    }
  }

  // Activations.
  void add_activation(ActivationOptions o, const std::string& stem) {
    const auto of_class = [&](const char* class_name, OrderedJson options = OrderedJson::object()) {
      add(class_name, stem, node_->shape, std::move(options));
    };
    const bool three = version_ == KerasVersion::three;
    switch (o.activation) {
      case Activation::linear:
        return of_class("Activation", {{"activation", "linear"}});
      case Activation::relu:
        return of_class("ReLU");
      case Activation::relu6:
        return of_class("ReLU", {{"max_value", 6.0}});
      case Activation::leaky_relu:
        return of_class("LeakyReLU", {{three ? "negative_slope" : "alpha", stored_float(o.negative_slope)}});
      case Activation::clip:
        if (o.clip_low != 0.0F) fail("clipping below at another number than 0");
        return of_class("ReLU", {{"max_value", stored_float(o.clip_high)}});
      case Activation::elu:
        return of_class("ELU", {{"alpha", stored_float(o.elu_alpha)}});
      case Activation::hard_sigmoid:
        if (o.hard_sigmoid_slope != (three ? 1.0F / 6.0F : 0.2F) || o.hard_sigmoid_offset != 0.5F) {
          fail("hard_sigmoid of another slope");
        }
        return of_class("Activation", {{"activation", "hard_sigmoid"}});
      case Activation::softmax:
        return of_class("Softmax", {{"axis", -1}});
      case Activation::sigmoid:
      case Activation::tanh:
      case Activation::swish:
      case Activation::gelu:
        return of_class("Activation", {{"activation", std::string(name_of(o.activation))}});
      case Activation::hard_swish:
      case Activation::log_softmax:
        if (!three) fail(std::string(name_of(o.activation)));
        return of_class("Activation", {{"activation", std::string(name_of(o.activation))}});
      case Activation::gelu_tanh:
        break;
    }
    fail(std::string(name_of(o.activation)));
  }

  /// The activations that every version of Keras takes by name.
  std::string own_activation(Activation activation) const {
    constexpr std::array kKnown = {Activation::linear, Activation::relu,  Activation::elu,    Activation::sigmoid,
                                   Activation::tanh,   Activation::swish, Activation::softmax};
    return std::ranges::find(kKnown, activation) == kKnown.end() ? "linear" : std::string(name_of(activation));
  }
  void finish(Activation activation) {
    if (activation != Activation::linear && own_activation(activation) == "linear") {
      add_activation({.activation = activation}, node_->name + "_activation");
    }
  }

  // Windows.
  /// A frame of zeros, where the padding is one in numbers; what is left for the layer to do.
  std::string pad(const Padding& padding, Size2 kernel, Size2 strides, Size2 dilation) {
    if (padding.kind() != Padding::Kind::explicit_) return padding.to_string();
    const Shape& in = input_shape();
    const kernels::Pads rows = padding.rows(in[0], kernel.h, strides.h, dilation.h);
    const kernels::Pads columns = padding.columns(in[1], kernel.w, strides.w, dilation.w);
    if (rows == kernels::Pads{} && columns == kernels::Pads{}) return "valid";
    add("ZeroPadding2D", node_->name + "_pad",
        {in[0] + rows.before + rows.after, in[1] + columns.before + columns.after, in[2]},
        {{"padding", {{rows.before, rows.after}, {columns.before, columns.after}}}});
    return "valid";
  }

  template <class Options>
  OrderedJson window_options(const Options& o) {
    const std::string padding = pad(o.padding, o.kernel, o.strides, o.dilation);
    return {{"kernel_size", json_of(o.kernel)},
            {"strides", json_of(o.strides)},
            {"padding", padding},
            {"data_format", "channels_last"},
            {"dilation_rate", json_of(o.dilation)},
            {"activation", own_activation(o.activation)},
            {"use_bias", o.use_bias}};
  }

  OrderedJson regularizer(float l2) const {
    if (l2 == 0.0F) return nullptr;
    OrderedJson json = {{"class_name", "L2"}, {"config", {{"l2", stored_float(l2)}}}};
    if (version_ == KerasVersion::three) {
      json["module"] = "keras.regularizers";
      json["registered_name"] = nullptr;
    }
    return json;
  }

  void conv2d(const Conv2DOptions& o) {
    OrderedJson options = {{"filters", o.filters}, {"groups", o.groups}, {"kernel_regularizer", regularizer(o.l2)}};
    options.update(window_options(o));
    add_weights(add("Conv2D", std::move(options)), "kernel");
    finish(o.activation);
  }

  void depthwise(const DepthwiseConv2DOptions& o) {
    OrderedJson options = {{"depth_multiplier", o.depth_multiplier}, {"depthwise_regularizer", regularizer(o.l2)}};
    options.update(window_options(o));
    add_weights(add("DepthwiseConv2D", std::move(options)),
                version_ == KerasVersion::three ? "kernel" : "depthwise_kernel");
    finish(o.activation);
  }

  void transposed(const Conv2DTransposeOptions& o) {
    if (o.padding.kind() == Padding::Kind::explicit_) fail("a transposed convolution with padding in numbers");
    if (o.groups != 1) fail("a transposed convolution of groups");
    OrderedJson options = {{"filters", o.filters}, {"kernel_regularizer", regularizer(o.l2)}};
    options.update(window_options(o));
    add_weights(add("Conv2DTranspose", std::move(options)), "kernel");
    finish(o.activation);
  }

  void dense(const DenseOptions& o) {
    add_weights(add("Dense", {{"units", o.units},
                              {"activation", own_activation(o.activation)},
                              {"use_bias", o.use_bias},
                              {"kernel_regularizer", regularizer(o.l2)}}),
                "kernel");
    finish(o.activation);
  }

  /// Whether every number that the layer gets is 0 or more, so that zeros around an image never win a maximum.
  bool input_is_positive() const {
    const Activation activation = net_.nodes()[node_->inputs.front()].layer->activation();
    return activation == Activation::relu || activation == Activation::relu6 || activation == Activation::sigmoid ||
           activation == Activation::hard_sigmoid || activation == Activation::softmax;
  }

  void pool(const char* class_name, const Pool2DOptions& o, bool padding_counts) {
    if (o.dilation != Size2(1)) fail("pooling with dilation");
    const std::size_t before = layers_.size();
    const Size2 strides = o.strides.value_or(o.pool);
    const std::string padding = pad(o.padding, o.pool, strides, 1);
    if (layers_.size() > before && padding_counts) fail("pooling with padding in numbers");
    add(class_name, {{"pool_size", json_of(o.pool)},
                     {"strides", json_of(strides)},
                     {"padding", padding},
                     {"data_format", "channels_last"}});
  }

  /// Channels of zeros have no layer: a convolution of single pixels copies those that are there.
  void zero_padding(const ZeroPadding2DOptions& o) {
    const Shape& in = input_shape();
    const kernels::Pads rows = o.padding.rows(in[0], 1, 1, 1), columns = o.padding.columns(in[1], 1, 1, 1);
    const bool more_channels = o.channels_before != 0 || o.channels_after != 0;
    Shape framed{in[0] + rows.before + rows.after, in[1] + columns.before + columns.after, in[2]};
    add("ZeroPadding2D", more_channels ? node_->name + "_pad" : node_->name, framed,
        {{"padding", {{rows.before, rows.after}, {columns.before, columns.after}}}, {"data_format", "channels_last"}});
    if (!more_channels) return;
    const Index channels = node_->shape[2];
    std::vector<float> kernel(usize(in[2] * channels), 0.0F);
    for (Index c = 0; c < in[2]; ++c) kernel[usize(c * channels + o.channels_before + c)] = 1.0F;
    Written& copy = add("Conv2D", {{"filters", channels},
                                   {"kernel_size", {1, 1}},
                                   {"use_bias", false},
                                   {"activation", "linear"},
                                   {"data_format", "channels_last"}});
    copy.config["trainable"] = false;
    copy.weights = {{"kernel", {1, 1, in[2], channels}, std::move(kernel)}};
  }

  void prelu() {
    std::vector<Index> extents(usize(input_shape().rank()), 1);
    extents.back() = input_shape()[-1];
    OrderedJson shared = OrderedJson::array();
    for (std::size_t axis = 1; axis < extents.size(); ++axis) shared.push_back(axis);
    Written& layer = add("PReLU", {{"shared_axes", shared.empty() ? OrderedJson() : shared}});
    add_weights(layer, "");
    layer.weights.front().shape = Shape(extents);
  }

  void reshape(const Shape& shape) {
    OrderedJson target = OrderedJson::array();
    for (const Index extent : shape.extents()) target.push_back(extent);
    add("Reshape", {{"target_shape", std::move(target)}});
  }

  template <class L>
  const L* is() const {
    return dynamic_cast<const L*>(node_->layer.get());
  }

  void export_node() {
    if (is<Input>()) {
      add("InputLayer");
      layers_.back().config = {
          {version_ == KerasVersion::three ? "batch_shape" : "batch_input_shape", with_batch(node_->shape)},
          {"dtype", "float32"},
          {"sparse", false},
          {"name", layers_.back().name}};
    } else if (const auto* conv = is<Conv2D>()) {
      conv2d(conv->options());
    } else if (const auto* depthwise_conv = is<DepthwiseConv2D>()) {
      depthwise(depthwise_conv->options());
    } else if (const auto* transpose = is<Conv2DTranspose>()) {
      transposed(transpose->options());
    } else if (const auto* layer = is<Dense>()) {
      dense(layer->options());
    } else if (const auto* norm = is<BatchNorm>()) {
      Written& written = add("BatchNormalization", {{"axis", -1},
                                                    {"momentum", stored_float(norm->options().momentum)},
                                                    {"epsilon", stored_float(norm->options().epsilon)},
                                                    {"center", true},
                                                    {"scale", true}});
      written.config["trainable"] = net_.parameters()[node_->parameters[2]].trainable;
      add_weights(written, "");
    } else if (is<PReLU>()) {
      prelu();
    } else if (const auto* activation = is<ActivationLayer>()) {
      add_activation(activation->options(), node_->name);
    } else if (const auto* zeros = is<ZeroPadding2D>()) {
      zero_padding(zeros->options());
    } else if (!export_pool() && !export_plain()) {
      fail("a layer of another kind");
    }
  }

  bool export_pool() {
    if (const auto* max = is<MaxPool2D>()) {
      pool("MaxPooling2D", max->options(), !input_is_positive());
    } else if (const auto* average = is<AveragePool2D>()) {
      pool("AveragePooling2D", average->options(), true);
    } else if (const auto* global_max = is<GlobalMaxPool2D>()) {
      add("GlobalMaxPooling2D", {{"keepdims", global_max->options().keepdims}, {"data_format", "channels_last"}});
    } else if (const auto* global_average = is<GlobalAveragePool2D>()) {
      add("GlobalAveragePooling2D",
          {{"keepdims", global_average->options().keepdims}, {"data_format", "channels_last"}});
    } else {
      return false;
    }
    return true;
  }

  bool export_plain() {
    if (is<Add>()) {
      add("Add");
    } else if (is<Multiply>()) {
      add("Multiply");
    } else if (const auto* concatenate = is<Concatenate>()) {
      // Keras counts the batch as axis 0.
      const Index axis = concatenate->options().axis;
      add("Concatenate", {{"axis", axis < 0 ? axis : axis + 1}});
    } else if (is<Flatten>()) {
      add("Flatten", {{"data_format", "channels_last"}});
    } else if (is<Reshape>()) {
      reshape(node_->shape);
    } else if (const auto* dropout = is<Dropout>()) {
      add("Dropout", {{"rate", stored_float(dropout->options().rate)}});
    } else if (const auto* up = is<UpSampling2D>()) {
      add("UpSampling2D",
          {{"size", json_of(up->options().size)},
           {"data_format", "channels_last"},
           {"interpolation", up->options().interpolation == UpSampling::nearest ? "nearest" : "bilinear"}});
    } else if (const auto* permute = is<Permute>()) {
      OrderedJson dims = OrderedJson::array();
      for (const Index axis : permute->options().axes.extents()) dims.push_back(axis + 1);
      add("Permute", {{"dims", std::move(dims)}});
    } else if (const auto* slice = is<Slice>()) {
      crop(slice->options());
    } else if (const auto* arithmetic = is<Arithmetic>()) {
      const ArithmeticKind kind = arithmetic->options().operation;
      if (node_->inputs.size() != 2 || kind == ArithmeticKind::divide) fail("arithmetic with numbers, or a quotient");
      add(kind == ArithmeticKind::add ? "Add" : kind == ArithmeticKind::subtract ? "Subtract" : "Multiply");
    } else {
      return false;
    }
    return true;
  }

  /// A part of the rows or columns.
  void crop(const SliceOptions& o) {
    const Shape& in = input_shape();
    if (in.rank() != 3 || o.step != 1 || (o.axis != 0 && o.axis != 1))
      fail("a part of an axis other than an image's border");
    OrderedJson sides = {{0, 0}, {0, 0}};
    sides[usize(o.axis)] = {o.start, in[static_cast<int>(o.axis)] - o.start - o.count};
    add("Cropping2D", {{"cropping", std::move(sides)}, {"data_format", "channels_last"}});
  }

  /// y = (x scale - mean) / deviation, in the layers that begin a model. Keras takes the root of the variance in double
  /// precision or single: of this square, both give the deviation again.
  void add_preprocessing() {
    const Preprocessing& p = net_.preprocessing;
    if (p == Preprocessing::none()) return;
    const auto channels = [](const std::vector<float>& values, auto convert) {
      OrderedJson json = OrderedJson::array();
      for (const float value : values) json.push_back(convert(static_cast<double>(value)));
      return json;
    };
    const auto same_mean = [&] { return std::ranges::all_of(p.mean, [&](float m) { return m == p.mean.front(); }); };
    if (p.deviation.empty() && (p.mean.empty() || same_mean())) {
      const double offset = p.mean.empty() || p.mean.front() == 0.0F ? 0.0 : -stored_float(p.mean.front());
      add("Rescaling", "rescaling", node_->shape, {{"scale", stored_float(p.scale)}, {"offset", offset}});
      return;
    }
    if (p.scale != 1.0F) {
      add("Rescaling", "rescaling", node_->shape, {{"scale", stored_float(p.scale)}, {"offset", 0.0}});
    }
    const std::vector<float> mean = p.mean.empty() ? std::vector<float>(p.deviation.size(), 0.0F) : p.mean;
    const std::vector<float> deviation = p.deviation.empty() ? std::vector<float>(mean.size(), 1.0F) : p.deviation;
    add("Normalization", "normalization", node_->shape,
        {{"axis", {-1}},
         {"mean", channels(mean, [](double m) { return m; })},
         {"variance", channels(deviation, [](double d) { return d * d; })}});
  }

  const Model& net_;
  KerasVersion version_;
  const GraphNode* node_ = nullptr;
  std::vector<std::string> chain_;    ///< The inputs of the next layer.
  std::vector<std::string> outputs_;  ///< By position of our nodes.
  std::vector<Written> layers_;
  std::set<std::string> names_;
};

OrderedJson calls_of(const Written& layer, const std::map<std::string, Shape>& shapes, KerasVersion version) {
  if (layer.inputs.empty()) return OrderedJson::array();
  OrderedJson tensors = OrderedJson::array();
  for (const std::string& input : layer.inputs) {
    if (version == KerasVersion::three) {
      tensors.push_back({{"class_name", "__keras_tensor__"},
                         {"config",
                          {{"shape", with_batch(shapes.at(input))},
                           {"dtype", "float32"},
                           {"keras_history", OrderedJson::array({input, 0, 0})}}}});
    } else {
      tensors.push_back(OrderedJson::array({input, 0, 0, OrderedJson::object()}));
    }
  }
  if (version == KerasVersion::two) return OrderedJson::array({tensors});
  OrderedJson arguments = tensors.size() == 1 ? tensors : OrderedJson::array({tensors});
  return OrderedJson::array({{{"args", std::move(arguments)}, {"kwargs", OrderedJson::object()}}});
}

std::string format_config(const std::string& name, const std::vector<Written>& layers, KerasVersion version) {
  std::map<std::string, Shape> shapes;
  OrderedJson all = OrderedJson::array();
  for (const Written& layer : layers) {
    OrderedJson json = OrderedJson::object();
    if (version == KerasVersion::three) json["module"] = "keras.layers";
    json["class_name"] = layer.class_name;
    json["config"] = layer.config;
    if (version == KerasVersion::three) json["registered_name"] = nullptr;
    json["name"] = layer.name;
    json["inbound_nodes"] = calls_of(layer, shapes, version);
    all.push_back(std::move(json));
    shapes.emplace(layer.name, layer.shape);
  }
  const auto end = [](const Written& layer) { return OrderedJson::array({OrderedJson::array({layer.name, 0, 0})}); };
  OrderedJson config = {{"name", name},
                        {"trainable", true},
                        {"layers", std::move(all)},
                        {"input_layers", end(layers.front())},
                        {"output_layers", end(layers.back())}};
  OrderedJson model = {{"class_name", "Functional"}, {"config", std::move(config)}};
  if (version == KerasVersion::three) {
    model["module"] = "keras.src.models.functional";
    model["registered_name"] = "Functional";
  }
  return internal::format_json(model);
}

std::vector<std::byte> encode_h5(const Model& net) {
  const std::vector<Written> layers = Exporter(net, KerasVersion::two).run();
  internal::Hdf5Writer file;
  const std::string group = "model_weights", version = "2.15.0", backend = "tensorflow";
  file.add_group(group);
  for (const std::string& place : {std::string(), group}) {
    file.add_text(place, "keras_version", version);
    file.add_text(place, "backend", backend);
  }
  file.add_text("", "model_config", format_config(net.name(), layers, KerasVersion::two));
  if (!net.class_names.empty())
    file.add_text("", internal::kKerasClassNames, internal::format_strings(net.class_names));
  std::vector<std::string> names;
  for (const Written& layer : layers) {
    const std::string own = group + "/" + layer.name;
    file.add_group(own);
    std::vector<std::string> weights;
    for (const Stored& weight : layer.weights) {
      weights.push_back(fmt::format("{}/{}:0", layer.name, weight.name));
      file.add_dataset(fmt::format("{}/{}", own, weights.back()), weight.shape, weight.values);
    }
    file.add_texts(own, "weight_names", weights);
    names.push_back(layer.name);
  }
  file.add_texts(group, "layer_names", names);
  return file.finish();
}

std::vector<std::byte> encode_archive_of(const Model& net) {
  const std::vector<Written> layers = Exporter(net, KerasVersion::three).run();
  internal::Hdf5Writer file;
  std::map<std::string, int> counts;
  for (const Written& layer : layers) {
    const std::string stem = internal::keras_snake_case(layer.class_name);
    const int count = counts[stem]++;
    const std::string own = count == 0 ? stem : fmt::format("{}_{}", stem, count);
    for (std::size_t i = 0; i < layer.weights.size(); ++i) {
      file.add_dataset(fmt::format("layers/{}/vars/{}", own, i), layer.weights[i].shape, layer.weights[i].values);
    }
  }
  const std::vector<std::byte> weights = file.finish();
  const std::string config = format_config(net.name(), layers, KerasVersion::three);
  const std::string metadata = R"({"keras_version": "3.0.0", "date_saved": "1980-01-01@00:00:00"})";
  const std::string class_names = internal::format_strings(net.class_names);
  std::vector<internal::ArchiveEntry> entries = {{"metadata.json", std::as_bytes(std::span(metadata))},
                                                 {"config.json", std::as_bytes(std::span(config))},
                                                 {"model.weights.h5", weights}};
  if (!net.class_names.empty()) {
    entries.push_back({internal::kKerasClassNames, std::as_bytes(std::span(class_names))});
  }
  return internal::encode_archive(entries);
}

}  // namespace

std::vector<std::byte> encode_keras(const Model& net, KerasFormat format) {
  return format == KerasFormat::h5 ? encode_h5(net) : encode_archive_of(net);
}

void save_keras(const Model& net, const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending != ".keras" && ending != ".h5") {
    throw ValueError({.where = path.string(),
                      .expected = "a file whose name ends in .keras or .h5",
                      .got = fmt::format("'{}'", ending),
                      .fix = "write e.g. net.keras"});
  }
  write_file(path, encode_keras(net, ending == ".h5" ? KerasFormat::h5 : KerasFormat::keras));
}

}  // namespace saccade
