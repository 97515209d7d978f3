#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "saccade/base/error.h"
#include "saccade/io/keras/config_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

constexpr int kMostLevels = 100;
constexpr std::size_t kMostLayers = 4096;
constexpr const char* kDamagedConfig = "the file is damaged, or of a newer Keras; save the model again";

[[noreturn]] void fail_config(std::string where, std::string expected, std::string got,
                              std::string fix = kDamagedConfig) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
}

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool is_model(std::string_view class_name) {
  return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

/// Reads one file's models.
class Parser {
 public:
  explicit Parser(const std::string& file) : file_(file) {}

  KerasModelConfig model(const Json& json) {
    read_object(json, file_);
    const std::string class_name = read_string(read_member(json, "class_name", file_), file_ + ": class_name");
    if (!is_model(class_name)) {
      fail_config(file_, "a Sequential or Functional model", fmt::format("one of class {}", quote(class_name)),
                  "models that are Python classes of their own cannot be read; export it to ONNX");
    }
    return model(class_name, read_member(json, "config", file_));
  }

 private:
  KerasModelConfig model(const std::string& class_name, const Json& config) {
    KerasModelConfig model;
    model.is_sequential = class_name == "Sequential";
    // The first versions of Keras wrote a Sequential model as its layers alone.
    const Json& layers = config.is_array() ? config : read_member(read_object(config, file_), "layers", file_);
    if (config.is_object()) {
      if (const Json* name = find(config, "name")) model.name = read_string(*name, file_ + ": name");
      if (const Json* trainable = find(config, "trainable")) {
        model.trainable = read_bool(*trainable, file_ + ": trainable");
      }
    }
    for (const Json& json : read_array(layers, file_ + ": layers")) model.layers.push_back(layer(json));
    if (model.layers.empty()) fail_config(file_, "at least one layer", "none");
    std::set<std::string_view> names;
    for (const KerasLayerConfig& one : model.layers) {
      if (!names.insert(one.name).second) fail_config(file_, "each layer once", quote(one.name) + " twice");
    }
    if (model.is_sequential) {
      chain(model, config);
    } else {
      model.input = end(config, "input_layers").layer;
      model.output = end(config, "output_layers");
      count_calls_from_zero(model);
    }
    return model;
  }

  KerasLayerConfig layer(const Json& json) {
    if (++layers_ > kMostLayers) fail_config(file_, fmt::format("at most {} layers", kMostLayers), "more");
    const std::string place = fmt::format("{}: layer {}", file_, layers_);
    KerasLayerConfig layer;
    layer.class_name = read_string(read_member(read_object(json, place), "class_name", place), place + ", class_name");
    const Json& config = read_member(json, "config", place);
    if (is_model(layer.class_name)) {
      layer.model = std::make_shared<KerasModelConfig>(model(layer.class_name, config));
      layer.name = layer.model->name;
      layer.config = Json::object();
    } else {
      layer.config = read_object(config, place + ", config");
    }
    if (const Json* name = find(json, "name")) layer.name = read_string(*name, place + ", name");
    if (const Json* name = find(layer.config, "name")) layer.name = read_string(*name, place + ", name");
    if (layer.name.empty()) fail_config(place, "a name", "none");
    if (const Json* nodes = find(json, "inbound_nodes")) {
      const std::string where = fmt::format("{}: layer {}, inbound_nodes", file_, quote(layer.name));
      for (const Json& node : read_array(*nodes, where)) {
        layer.calls.push_back(node.is_object() ? call_of_keras3(node, where) : call_of_keras2(node, where));
      }
    }
    return layer;
  }

  /// {"args": [tensor, or [tensor, ...], or a number], "kwargs": {...}}
  KerasCall call_of_keras3(const Json& node, const std::string& where) {
    KerasCall call;
    for (const Json& argument : read_array(read_member(node, "args", where), where)) {
      add_argument(call, argument, where);
    }
    if (const Json* named = find(node, "kwargs")) {
      for (const auto& [key, value] : read_object(*named, where).items()) {
        if (value.is_object() || value.is_array()) {
          fail_config(where, "images as arguments without a name", quote(key),
                      "this layer is called in a way that is not known");
        }
      }
    }
    return call;
  }

  void add_argument(KerasCall& call, const Json& argument, const std::string& where) {
    if (argument.is_array()) {
      for (const Json& one : argument) {
        if (one.is_array()) fail_config(where, "a list of tensors", "a list of lists");
        add_argument(call, one, where);
      }
    } else if (argument.is_object()) {
      const Json& tensor = read_member(argument, "config", where);
      const Json& history = read_member(read_object(tensor, where), "keras_history", where);
      call.inputs.push_back(reference(history, where));
    } else if (argument.is_number()) {
      add_number(call, argument, where);
    }
  }

  /// [["conv", 0, 0, {...}], ...], or for a function ["conv", 0, 0, {"y": a number or ["conv2", 0, 0]}]
  KerasCall call_of_keras2(const Json& node, const std::string& where) {
    KerasCall call;
    read_array(node, where);
    if (node.empty() || !node[0].is_string()) {
      for (const Json& input : node) add_input(call, input, where);
    } else {
      add_input(call, node, where);
    }
    return call;
  }

  void add_input(KerasCall& call, const Json& input, const std::string& where) {
    call.inputs.push_back(reference(input, where));
    if (input.size() < 4 || !input[3].is_object()) return;
    if (const Json* y = find(input[3], "y")) {
      if (y->is_array()) call.inputs.push_back(reference(*y, where));
      if (y->is_number()) add_number(call, *y, where);
    }
  }

  static void add_number(KerasCall& call, const Json& number, const std::string& where) {
    if (call.number) fail_config(where, "one number at most", "more");
    call.number = read_float(number, where);
    call.number_first = call.inputs.empty();
  }

  KerasTensor reference(const Json& json, const std::string& where) {
    if (!json.is_array() || json.size() < 3) fail_config(where, "[layer, call, output]", show(json));
    if (read_index(json[2], where) != 0) fail_config(where, "the only output of a layer", show(json[2]));
    return {.layer = read_string(json[0], where), .call = read_index(json[1], where)};
  }

  /// [["conv", 0, 0]], or without the outer list.
  KerasTensor end(const Json& config, const char* key) {
    const std::string where = fmt::format("{}: {}", file_, key);
    const Json& ends = read_array(read_member(config, key, file_), where);
    if (!ends.empty() && ends[0].is_string()) return reference(ends, where);
    if (ends.size() != 1) {
      fail_config(where, "one", fmt::format("{}", ends.size()),
                  "only models of one image in and one prediction out are read");
    }
    return reference(ends[0], where);
  }

  /// A model of its own was called once before it was put anywhere, when it was made: Keras counts that call.
  static void count_calls_from_zero(KerasModelConfig& model) {
    std::set<std::string_view> models;
    for (const KerasLayerConfig& layer : model.layers) {
      if (layer.model) models.insert(layer.name);
    }
    const auto count = [&](KerasTensor& tensor) {
      if (tensor.call > 0 && models.contains(tensor.layer)) --tensor.call;
    };
    for (KerasLayerConfig& layer : model.layers) {
      for (KerasCall& call : layer.calls) std::ranges::for_each(call.inputs, count);
    }
    count(model.output);
  }

  void chain(KerasModelConfig& model, const Json& config) {
    if (model.layers.front().class_name != "InputLayer") {
      KerasLayerConfig input{.class_name = "InputLayer", .name = model.name + "_input", .config = Json::object()};
      const Json* shape = config.is_object() ? find(config, "build_input_shape") : nullptr;
      if (const Json* first = find(model.layers.front().config, "batch_input_shape")) shape = first;
      if (shape != nullptr) input.config["batch_shape"] = *shape;
      model.layers.insert(model.layers.begin(), std::move(input));
    }
    for (std::size_t i = 1; i < model.layers.size(); ++i) {
      model.layers[i].calls = {KerasCall{.inputs = {{.layer = model.layers[i - 1].name}}}};
    }
    model.input = model.layers.front().name;
    model.output = {.layer = model.layers.back().name};
  }

  const std::string& file_;
  std::size_t layers_ = 0;
};

}  // namespace

KerasModelConfig parse_keras_config(std::string_view json, const std::string& file) {
  return Parser(file).model(parse_json(json, file, kMostLevels));
}

}  // namespace saccade::internal
