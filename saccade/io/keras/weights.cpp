#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "saccade/base/error.h"
#include "saccade/io/keras/import_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

constexpr const char* kDamagedWeights = "the file is damaged, or its weights belong to another model";

[[noreturn]] void fail_weights(std::string where, std::string expected, std::string got) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), kDamagedWeights});
}

/// A weight and the layer that has it.
struct Wanted {
  const KerasUnit* layer;
  const KerasWeight* weight;
};

void add_all(const KerasUnit& unit, std::vector<Wanted>& to) {
  for (const KerasWeight& weight : unit.weights) to.push_back({&unit, &weight});
  for (const KerasUnit& inner : unit.inside) add_all(inner, to);
}
void add_learning(const KerasUnit& unit, std::vector<Wanted>& to) {
  if (!unit.trainable) return;
  for (const KerasWeight& weight : unit.weights) {
    if (weight.learns) to.push_back({&unit, &weight});
  }
  for (const KerasUnit& inner : unit.inside) add_learning(inner, to);
}
void add_others(const KerasUnit& unit, std::vector<Wanted>& to) {
  if (!unit.trainable && unit.inside.empty()) return add_all(unit, to);
  for (const KerasWeight& weight : unit.weights) {
    if (!weight.learns) to.push_back({&unit, &weight});
  }
  for (const KerasUnit& inner : unit.inside) add_others(inner, to);
}

/// In Keras's order: those that learn, then the others.
std::vector<Wanted> weights_of(const KerasUnit& unit) {
  std::vector<Wanted> all;
  if (unit.trainable || !unit.inside.empty()) {
    add_learning(unit, all);
    add_others(unit, all);
  } else {
    add_all(unit, all);
  }
  return all;
}

/// An array of texts that Keras spreads over several attributes where it is too large for one.
std::vector<std::string> texts(const Hdf5File& file, const std::string& group, const std::string& attribute) {
  if (auto whole = file.texts(group, attribute)) return std::move(*whole);
  std::vector<std::string> all;
  for (int part = 0;; ++part) {
    const auto some = file.texts(group, fmt::format("{}{}", attribute, part));
    if (!some) break;
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

/// "kernel" of "block1/conv/kernel:0".
std::string_view last_part(std::string_view name) {
  name = name.substr(name.rfind('/') + 1);
  return name.substr(0, name.find(':'));
}

/// Whether a weight stored under that name may be the one that is wanted. Early versions of Keras chose other names.
bool may_be(std::string_view stored, const KerasWeight& wanted) {
  constexpr std::array<std::string_view, 10> kNames = {
      "kernel",           "bias",  "gamma", "beta", "moving_mean", "moving_variance", "depthwise_kernel",
      "pointwise_kernel", "alpha", "mean"};
  const std::string_view name = last_part(stored);
  if (std::ranges::find(kNames, name) == kNames.end() || name == wanted.name) return true;
  return name == "kernel" && wanted.name == "depthwise_kernel";
}

class Reader {
 public:
  Reader(Hdf5File& file, const std::string& name) : file_(file), name_(name) {}

  void read(const Wanted& wanted, const std::string& path) {
    const std::string where =
        fmt::format("{}: layer {}, weight '{}'", name_, quote(wanted.layer->name), wanted.weight->name);
    if (!file_.has(path)) fail_weights(where, "a dataset " + quote(path), "none");
    if (wanted.weight->parameter.empty()) return;
    const Shape shape = file_.shape(path);
    if (shape != wanted.weight->shape) fail_weights(where, wanted.weight->shape.to_string(), shape.to_string());
    values_[wanted.weight->parameter] = file_.read(path);
  }

  /// The weights of a layer, or of all layers of a model, that stand in one group.
  void read_group(const KerasUnit& unit, const std::string& group, const std::vector<std::string>& stored) {
    const std::vector<Wanted> wanted = weights_of(unit);
    const std::string where = fmt::format("{}: layer {}", name_, quote(unit.name));
    if (stored.size() != wanted.size()) {
      fail_weights(where, fmt::format("{} weights", wanted.size()), fmt::format("{}", stored.size()));
    }
    std::vector<std::string> order = stored;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (may_be(stored[i], *wanted[i].weight)) continue;
      order = by_name(wanted, stored, where);
      break;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) read(wanted[i], group + "/" + order[i]);
  }

  KerasValues take() { return std::move(values_); }

 private:
  /// Other versions of Keras have the layers of a model within a model in other orders: their names tell.
  static std::vector<std::string> by_name(const std::vector<Wanted>& wanted, const std::vector<std::string>& stored,
                                          const std::string& where) {
    std::vector<std::string> order;
    for (const Wanted& one : wanted) {
      const std::string ending = fmt::format("/{}/{}", one.layer->name, one.weight->name);
      const auto fits = [&](const std::string& name) {
        return ("/" + name.substr(0, name.find(':'))).ends_with(ending);
      };
      const auto found = std::ranges::find_if(stored, fits);
      if (found == stored.end()) fail_weights(where, fmt::format("a weight '{}'", ending.substr(1)), "none");
      order.push_back(*found);
    }
    return order;
  }

  Hdf5File& file_;
  const std::string& name_;
  KerasValues values_;
};

bool has_weights(const KerasUnit& unit) {
  return !unit.weights.empty() || std::ranges::any_of(unit.inside, has_weights);
}

/// vars/0, vars/1, ... of each layer; layers of one class are counted.
void read_numbered(const KerasUnit& unit, Reader& reader, const std::string& path, const std::string& folder) {
  for (std::size_t i = 0; i < unit.weights.size(); ++i) {
    reader.read({&unit, &unit.weights[i]}, fmt::format("{}vars/{}", path, i));
  }
  std::map<std::string, int> counts;
  for (const KerasUnit& inner : unit.inside) {
    const std::string stem = keras_snake_case(inner.class_name);
    const int count = counts[stem]++;
    if (!has_weights(inner)) continue;
    const std::string own = count == 0 ? stem : fmt::format("{}_{}", stem, count);
    read_numbered(inner, reader, fmt::format("{}{}/{}/", path, folder, own), folder);
  }
}

}  // namespace

std::string keras_snake_case(std::string_view class_name) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  std::string name;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    const bool starts_word = upper(c) && i + 1 < class_name.size() && lower(class_name[i + 1]);
    if (i > 0 && upper(c) && (starts_word || lower(class_name[i - 1]))) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

KerasValues read_named_weights(const KerasUnit& root, Hdf5File& file, const std::string& group,
                               const std::string& name) {
  const std::string prefix = group.empty() ? "" : group + "/";
  Reader reader(file, name);
  std::vector<std::pair<std::string, std::vector<std::string>>> stored;
  for (const std::string& layer : texts(file, group, "layer_names")) {
    std::vector<std::string> weights = texts(file, prefix + layer, "weight_names");
    if (!weights.empty()) stored.emplace_back(layer, std::move(weights));
  }
  std::vector<const KerasUnit*> units;
  for (const KerasUnit& unit : root.inside) {
    if (has_weights(unit)) units.push_back(&unit);
  }
  if (units.size() != stored.size()) {
    fail_weights(name, fmt::format("weights of {} layers", units.size()), fmt::format("{}", stored.size()));
  }
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto own = std::ranges::find(stored, units[i]->name, [](const auto& one) { return one.first; });
    const auto& [layer, weights] = own == stored.end() ? stored[i] : *own;
    reader.read_group(*units[i], prefix + layer, weights);
  }
  return reader.take();
}

KerasValues read_numbered_weights(const KerasUnit& root, Hdf5File& file, const std::string& name) {
  Reader reader(file, name);
  // TensorFlow 2.12 and 2.13 had another name for it.
  constexpr const char* kEarly = "_layer_checkpoint_dependencies";
  read_numbered(root, reader, "", file.has(kEarly) ? kEarly : "layers");
  return reader.take();
}

Model finish_keras(KerasNetwork network, KerasValues values, const std::string& file) {
  for (KerasPreprocessing& step : network.preprocessing) {
    if (step.weights.empty()) continue;
    const auto floats = [&](const char* what) {
      const std::span<const float> read = values.at(step.weights + what).floats();
      return std::vector<float>(read.begin(), read.end());
    };
    step.term = floats("mean");
    step.factor = floats("variance");
  }
  for (const ParameterSpec& spec : network.graph.parameters()) {
    const auto found = values.find(spec.name);
    if (network.constants.contains(spec.name)) continue;
    if (found == values.end() || found->second.elements() != spec.shape.elements()) {
      fail_weights(fmt::format("{}: {}", file, quote(spec.name)), fmt::format("weights {}", spec.shape.to_string()),
                   found == values.end() ? "none" : found->second.shape().to_string());
    }
  }
  Model model(std::move(network.graph), Model::Weights::zeros);
  for (Parameter& parameter : model.parameters()) {
    const auto found = values.find(parameter.name);
    if (found == values.end()) {
      std::ranges::fill(parameter.value.floats(), network.constants.at(parameter.name));
    } else {
      parameter.value = std::move(found->second).reshaped(parameter.value.shape());
    }
  }
  for (const std::string& parameter : network.frozen) {
    if (std::ranges::find(model.parameters(), parameter, &Parameter::name) != model.parameters().end()) {
      model.parameter(parameter).trainable = false;
    }
  }
  model.preprocessing = preprocessing_of(network.preprocessing, model.input_shape()[-1], file);
  return model;
}

}  // namespace saccade::internal
