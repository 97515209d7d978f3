#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/io/in_file_internal.h"
#include "saccade/io/keras/import_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/nn/input.h"

namespace saccade::internal {
namespace {

/// Layers that do nothing once a model is trained.
constexpr std::array<std::string_view, 16> kOnlyInTraining = {
    "SpatialDropout2D",       "GaussianNoise",  "GaussianDropout",  "AlphaDropout",
    "ActivityRegularization", "RandomFlip",     "RandomRotation",   "RandomZoom",
    "RandomTranslation",      "RandomContrast", "RandomBrightness", "RandomShear",
    "RandomColorJitter",      "RandomErasing",  "RandomHue",        "RandomSaturation"};

/// Other names of one class.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kAliases = {
    {{"Convolution2D", "Conv2D"},
     {"Convolution2DTranspose", "Conv2DTranspose"},
     {"SeparableConvolution2D", "SeparableConv2D"},
     {"MaxPool2D", "MaxPooling2D"},
     {"AvgPool2D", "AveragePooling2D"},
     {"GlobalMaxPool2D", "GlobalMaxPooling2D"},
     {"GlobalAvgPool2D", "GlobalAveragePooling2D"},
     {"BatchNormalizationV1", "BatchNormalization"},
     {"BatchNormalizationV2", "BatchNormalization"},
     {"SyncBatchNormalization", "BatchNormalization"}}};

std::string_view usual_name(std::string_view class_name) {
  const auto found = std::ranges::find(kAliases, class_name, &std::pair<std::string_view, std::string_view>::first);
  return found == kAliases.end() ? class_name : found->second;
}

/// What a call gives: the output of our layers, or the image itself after some steps of preprocessing.
struct Value {
  Node node;
  bool is_image = false;
  std::vector<KerasPreprocessing> steps;
};

std::vector<float> numbers(const Json& json, const std::string& where) {
  if (json.is_number()) return {read_float(json, where)};
  if (!json.is_array()) {
    throw FormatError({where, "a number, or one a channel", show(json), "change the model, or export it to ONNX"});
  }
  std::vector<float> all;
  for (const Json& one : json) {
    for (const float number : numbers(one, where)) all.push_back(number);
    if (all.size() > 4096) throw FormatError({where, "a number, or one a channel", "too many", "change the model"});
  }
  return all;
}

class KerasImporter {
 public:
  KerasImporter(KerasVersion version, const std::string& file) : version_(version), file_(file) {}
  KerasImporter(const KerasImporter&) = delete;
  KerasImporter& operator=(const KerasImporter&) = delete;
  ~KerasImporter() {
    // Each node holds its inputs: freeing a long chain from its end takes one call inside another for every layer.
    while (!nodes_.empty()) nodes_.pop_back();
  }

  KerasNetwork run(const KerasModelConfig& config) {
    KerasUnit root;
    const Value output = import_model(config, nullptr, root, config.trainable);
    if (output.is_image) fail(file_, "layers that compute something", "none");
    Graph graph =
        in_file(file_, [&] { return Graph(config.name.empty() ? "keras" : config.name, *input_, output.node); });
    return {.graph = std::move(graph),
            .root = std::move(root),
            .preprocessing = preprocessing_.value_or(std::vector<KerasPreprocessing>{}),
            .constants = std::move(constants_),
            .frozen = std::move(frozen_)};
  }

 private:
  [[noreturn]] static void fail(std::string where, std::string expected, std::string got,
                                std::string fix = "change the model, or export it to ONNX") {
    throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
  }

  /// `given`: what a model inside another one is called with.
  Value import_model(const KerasModelConfig& config, const Value* given, KerasUnit& unit, bool trainable) {
    unit.name = config.name;
    unit.class_name = config.is_sequential ? "Sequential" : "Functional";
    unit.trainable = config.trainable;
    for (const KerasLayerConfig& layer : config.layers) {
      unit.inside.push_back({.name = layer.name, .class_name = std::string(usual_name(layer.class_name))});
    }
    std::map<std::string, std::vector<std::optional<Value>>> values;
    std::size_t waiting = config.layers.size();
    while (waiting > 0) {
      const std::size_t before = waiting;
      waiting = 0;
      for (std::size_t i = 0; i < config.layers.size(); ++i) {
        const KerasLayerConfig& layer = config.layers[i];
        auto& made = values[layer.name];
        if (layer.name == config.input && made.empty()) {
          made.push_back(given != nullptr ? *given : image(layer));
          continue;
        }
        if (layer.class_name == "InputLayer" && made.empty()) {
          fail(where(layer), "one input", "another one", "only models of one image in and one prediction out are read");
        }
        made.resize(std::max(made.size(), layer.calls.size()));
        for (std::size_t call = 0; call < layer.calls.size(); ++call) {
          if (made[call]) continue;
          std::optional<std::vector<Value>> inputs = find(values, layer.calls[call]);
          if (!inputs) {
            ++waiting;
            continue;
          }
          made[call] = import_call(layer, layer.calls[call], *inputs, unit.inside[i], trainable, call);
        }
      }
      if (waiting == before || (waiting > 0 && ++passes_ > kMostPasses)) {
        fail(file_, "layers whose inputs are other layers", fmt::format("{} that wait for each other", waiting));
      }
    }
    const std::optional<std::vector<Value>> output = find(values, {.inputs = {config.output}});
    if (!output) fail(file_, "an output that a layer gives", quote(config.output.layer));
    return output->front();
  }

  static std::optional<std::vector<Value>> find(const std::map<std::string, std::vector<std::optional<Value>>>& values,
                                                const KerasCall& call) {
    std::vector<Value> inputs;
    for (const KerasTensor& tensor : call.inputs) {
      const auto found = values.find(tensor.layer);
      if (found == values.end() || tensor.call < 0 || usize(tensor.call) >= found->second.size()) return std::nullopt;
      const std::optional<Value>& value = found->second[usize(tensor.call)];
      if (!value) return std::nullopt;
      inputs.push_back(*value);
    }
    return inputs;
  }

  std::string where(const KerasLayerConfig& layer) const {
    return fmt::format("{}: layer {} ({})", file_, quote(layer.name), layer.class_name);
  }

  Value image(const KerasLayerConfig& layer) {
    const std::string place = where(layer);
    const Json* shape = nullptr;
    for (const char* key : {"batch_shape", "batch_input_shape", "shape"}) {
      if (const auto found = layer.config.find(key); found != layer.config.end() && found->is_array()) shape = &*found;
    }
    if (shape == nullptr)
      fail(place, "the shape of images", "none", "call the model once, or build() it, and save it again");
    std::vector<Index> extents;
    for (const Json& extent : *shape) {
      if (&extent == &shape->front() && shape->size() > 1 && extent.is_null()) continue;  // the batch
      if (extent.is_null()) {
        fail(place, "images of one size", shape->dump(), "save the model with an Input of that size");
      }
      extents.push_back(read_index(extent, place));
    }
    // A batch of one size stands in front as well.
    if (extents.size() == shape->size() && extents.size() > 3) extents.erase(extents.begin());
    input_ = in_file(place, [&] { return Input{{.shape = Shape(extents), .name = unused(layer.name)}}({}); });
    nodes_.push_back(*input_);
    return {.node = *input_, .is_image = true, .steps = {}};
  }

  Value import_call(const KerasLayerConfig& layer, const KerasCall& call, const std::vector<Value>& inputs,
                    KerasUnit& unit, bool trainable, std::size_t number_of_call) {
    const std::string place = where(layer);
    if (inputs.empty()) fail(place, "an input", "none");
    unit.trainable = layer.model ? layer.model->trainable : trainable_of(layer, place);
    trainable = trainable && unit.trainable;
    if (layer.model) {
      if (number_of_call > 0 || inputs.size() != 1) fail(place, "a model that is called once, with one image", "more");
      return import_model(*layer.model, &inputs.front(), unit, trainable);
    }
    if (std::ranges::find(kOnlyInTraining, layer.class_name) != kOnlyInTraining.end()) return inputs.front();
    if (const std::optional<Value> image = import_preprocessing(layer, call, inputs.front(), unit, place))
      return *image;

    const auto known = std::ranges::find(keras_classes(), class_of(layer, call), &KerasClass::name);
    if (known == keras_classes().end()) {
      std::vector<std::string_view> names;
      for (const KerasClass& one : keras_classes()) names.push_back(one.name);
      fail(place, fmt::format("a layer of {}", fmt::join(names, ", ")), quote(layer.class_name));
    }
    std::vector<Node> nodes;
    for (const Value& value : inputs) nodes.push_back(settled(value, place));
    const LayerImport import(
        layer, [this](std::string stem) { return unused(std::move(stem)); }, std::move(nodes), version_, place);
    Value value{.node = in_file(place, [&] { return known->import(import); }), .steps = {}};
    nodes_.push_back(value.node);
    LayerImport::Result result = import.result();
    if (!result.weights.empty()) {
      if (number_of_call > 0) fail(place, "weights that one place alone uses", "a layer that is called twice");
      for (const KerasWeight& weight : result.weights) {
        if (!trainable) frozen_.push_back(weight.parameter);
      }
      unit.weights = std::move(result.weights);
    }
    for (const auto& [parameter, constant] : result.constants) {
      constants_[parameter] = constant;
      frozen_.push_back(parameter);
    }
    return value;
  }

  static bool trainable_of(const KerasLayerConfig& layer, const std::string& place) {
    const auto found = layer.config.find("trainable");
    return found == layer.config.end() || found->is_null() || read_bool(*found, place + ", trainable");
  }

  /// Sums and products that were written as x + y and x * y are functions by name.
  static std::string_view class_of(const KerasLayerConfig& layer, const KerasCall& call) {
    const std::string function = function_of(layer);
    if (call.number) return layer.class_name;
    if (function == "add") return "Add";
    if (function == "subtract") return "Subtract";
    if (function == "multiply") return "Multiply";
    if (function == "concat") return "Concatenate";
    return usual_name(layer.class_name);
  }

  /// "truediv" of TFOpLambda's "math.truediv" and of the operation TrueDivide; empty for layers.
  static std::string function_of(const KerasLayerConfig& layer) {
    if (layer.class_name == "TrueDivide" || layer.class_name == "Divide") return "truediv";
    if (layer.class_name == "Subtract") return "subtract";
    if (layer.class_name == "Add") return "add";
    if (layer.class_name == "Multiply") return "multiply";
    if (layer.class_name != "TFOpLambda" && layer.class_name != "SlicingOpLambda") return "";
    const auto found = layer.config.find("function");
    if (found == layer.config.end() || !found->is_string()) return "";
    const std::string name = found->get<std::string>();
    return name.substr(name.rfind('.') + 1);
  }

  /// Rescaling, normalisation, and arithmetic with a number: what models do to their images first.
  std::optional<Value> import_preprocessing(const KerasLayerConfig& layer, const KerasCall& call, const Value& input,
                                            KerasUnit& unit, const std::string& place) {
    std::optional<KerasPreprocessing> step;
    const auto option = [&](const char* key) -> const Json* {
      const auto found = layer.config.find(key);
      return found == layer.config.end() || found->is_null() ? nullptr : &*found;
    };
    if (layer.class_name == "Rescaling") {
      const Json *scale = option("scale"), *offset = option("offset");
      step = KerasPreprocessing{.factor = scale ? numbers(*scale, place) : std::vector<float>{1.0F},
                                .term = offset ? numbers(*offset, place) : std::vector<float>{0.0F}};
    } else if (layer.class_name == "Normalization") {
      const Json *mean = option("mean"), *variance = option("variance");
      if (option("invert") != nullptr && *option("invert") == true) fail(place, "invert=False", "True");
      step = KerasPreprocessing{.normalises = true};
      if (mean != nullptr && variance != nullptr) {
        step->factor = numbers(*variance, place);
        step->term = numbers(*mean, place);
      } else {
        step->weights = add_adapted(layer, input, unit, place);
      }
    } else if (call.number) {
      const float x = *call.number;
      const std::string function = function_of(layer);
      const bool turned = call.number_first && (function == "truediv" || function == "subtract");
      if (function == "truediv" && x != 0.0F && !turned) step = KerasPreprocessing{.factor = {1.0F / x}, .term = {0}};
      if (function == "multiply") step = KerasPreprocessing{.factor = {x}, .term = {0}};
      if (function == "subtract" && !turned) step = KerasPreprocessing{.factor = {1}, .term = {-x}};
      if (function == "add") step = KerasPreprocessing{.factor = {1}, .term = {x}};
    }
    if (!step) return std::nullopt;
    if (!input.is_image)
      fail(place, "arithmetic with numbers on images alone, before any other layer", "it further on");
    Value value = input;
    value.steps.push_back(std::move(*step));
    return value;
  }

  /// What adapt() found stands among the weights: mean, variance and the number of images.
  static std::string add_adapted(const KerasLayerConfig& layer, const Value& input, KerasUnit& unit,
                                 const std::string& place) {
    const LayerImport import(
        layer, [](std::string name) { return name; }, {input.node}, KerasVersion::three, place);
    import.require_last_axis("axis");
    const std::string stem = "normalization " + layer.name + " ";
    for (const char* name : {"mean", "variance"}) {
      unit.weights.push_back({.name = name, .shape = {import.channels()}, .parameter = stem + name, .learns = false});
    }
    unit.weights.push_back({.name = "count", .shape = {}, .parameter = "", .learns = false});
    return stem;
  }

  /// A value that a layer is about to work on. Images are preprocessed in one way before the first layer.
  const Node& settled(const Value& value, const std::string& place) {
    if (value.is_image) {
      if (!preprocessing_) preprocessing_ = value.steps;
      if (*preprocessing_ != value.steps) fail(place, "images that are preprocessed in one way", "two ways");
    }
    return value.node;
  }

  /// The name with characters that ours may not have replaced, and a number behind it where it is in use.
  std::string unused(std::string stem) {
    std::ranges::replace_if(
        stem, [](char c) { return c == '.' || c == '*' || c == '?' || (c >= 0 && c < ' '); }, '_');
    std::string name = stem;
    for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", stem, i);
    return name;
  }

  static constexpr int kMostPasses = 1000;

  KerasVersion version_;
  const std::string& file_;
  std::optional<Node> input_;
  std::vector<Node> nodes_;
  std::optional<std::vector<KerasPreprocessing>> preprocessing_;
  std::map<std::string, float> constants_;
  std::vector<std::string> frozen_;  ///< Parameters.
  std::set<std::string> names_;
  int passes_ = 0;
};

}  // namespace

KerasNetwork import_keras(const KerasModelConfig& config, KerasVersion version, const std::string& file) {
  return KerasImporter(version, file).run(config);
}

Preprocessing preprocessing_of(std::span<const KerasPreprocessing> steps, Index image_channels,
                               const std::string& file) {
  const auto fail = [&](std::string expected, std::string got) {
    throw FormatError({file + ": preprocessing", std::move(expected), std::move(got), "export the model to ONNX"});
  };
  const std::size_t channels = usize(image_channels);
  const auto at = [&](const std::vector<float>& values, std::size_t c) {
    if (values.size() != 1 && values.size() != channels) {
      fail(fmt::format("{} numbers, one a channel", channels), fmt::format("{}", values.size()));
    }
    return static_cast<double>(values.size() == 1 ? values[0] : values[c]);
  };
  // y = (x scale - mean[c]) / deviation[c]
  double scale = 1.0;
  std::vector<double> mean(channels, 0.0), deviation(channels, 1.0);
  for (const KerasPreprocessing& step : steps) {
    const bool plain = std::ranges::all_of(deviation, [](double d) { return d == 1.0; });
    if (!step.normalises && step.factor.size() == 1 && plain) {
      const double factor = at(step.factor, 0);
      scale *= factor;
      for (std::size_t c = 0; c < channels; ++c) mean[c] = mean[c] * factor - at(step.term, c);
      continue;
    }
    for (std::size_t c = 0; c < channels; ++c) {
      if (step.normalises) {
        constexpr double kLeast = 1e-7;  // Keras's
        mean[c] += at(step.term, c) * deviation[c];
        deviation[c] *= std::max(std::sqrt(std::max(at(step.factor, c), 0.0)), kLeast);
      } else {
        const double factor = at(step.factor, c);
        if (!(factor > 0.0)) fail("a scale above 0 for each channel", fmt::format("{}", factor));
        deviation[c] /= factor;
        mean[c] -= at(step.term, c) * deviation[c];
      }
    }
  }
  Preprocessing result{.scale = static_cast<float>(scale)};
  const auto floats = [](const std::vector<double>& values) {
    std::vector<float> all;
    for (const double value : values) all.push_back(static_cast<float>(value));
    return all;
  };
  if (std::ranges::any_of(mean, [](double m) { return m != 0.0; })) result.mean = floats(mean);
  if (std::ranges::any_of(deviation, [](double d) { return d != 1.0; })) result.deviation = floats(deviation);
  return result;
}

}  // namespace saccade::internal
