#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/io/json_internal.h"

namespace saccade::internal {

/// What a call of a layer gives.
struct KerasTensor {
  std::string layer;
  Index call = 0;
};

/// One call of a layer: what it is given, in order. Arithmetic on an image may be given a number as well.
struct KerasCall {
  std::vector<KerasTensor> inputs;
  std::optional<float> number;
  bool number_first = false;  ///< 1 - x rather than x - 1.
};

struct KerasModelConfig;

struct KerasLayerConfig {
  std::string class_name, name;
  Json config;  ///< An object.
  std::vector<KerasCall> calls;
  std::shared_ptr<const KerasModelConfig> model;  ///< Where the layer is a model of its own.
};

/// A Sequential or Functional model as Keras describes it, Sequential ones as the chain that they are. Every model begins
/// with an InputLayer, if need be one without a shape.
struct KerasModelConfig {
  std::string name;
  bool trainable = true;
  bool is_sequential = false;
  std::vector<KerasLayerConfig> layers;
  std::string input;
  KerasTensor output;
};

/// Reads the JSON under "model_config" of an .h5 file, or "config.json" of a .keras archive. Layers are not looked at beyond
/// their name and class. Throws FormatError, naming `file` and the layer, for what is no such model, one with several inputs
/// or outputs included.
KerasModelConfig parse_keras_config(std::string_view json, const std::string& file);

}  // namespace saccade::internal
