#include "saccade/io/keras.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/io/archive_internal.h"
#include "saccade/io/facts_internal.h"
#include "saccade/io/hdf5_internal.h"
#include "saccade/io/keras/import_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade {
namespace {

using internal::Archive;
using internal::Hdf5File;
using internal::KerasVersion;
using internal::quote;

[[noreturn]] void fail(std::string where, std::string expected, std::string got, std::string fix) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string first_text(const Hdf5File& file, const std::string& path, const std::string& attribute) {
  const auto texts = file.texts(path, attribute);
  return texts && texts->size() == 1 ? texts->front() : "";
}

/// Files of our own say what the outputs are called.
void take_class_names(Model& model, const std::string& json, const std::string& name) {
  if (json.empty()) return;
  const std::string where = fmt::format("{}: {}", name, internal::kKerasClassNames);
  model.class_names = internal::parse_strings(json, where);
  const Index outputs = model.output_shape().elements();
  if (isize(model.class_names.size()) != outputs) {
    fail(where, fmt::format("{} names, one an output", outputs), fmt::format("{}", model.class_names.size()),
         "save the network again");
  }
}

Model read_archive(std::span<const std::byte> bytes, const std::string& name) {
  Archive archive(bytes, name);
  if (!archive.has("config.json")) {
    fail(name, "an entry config.json, as Keras writes it", "none", "name a .keras file of model.save()");
  }
  if (!archive.has("model.weights.h5")) {
    fail(name, "weights in an entry model.weights.h5", "none", "save the model again as one .keras file");
  }
  const std::string config = text_of(archive.read("config.json"));
  KerasVersion version = KerasVersion::three;
  if (archive.has("metadata.json")) {
    const std::string where = name + ": metadata.json";
    const internal::Json json = internal::parse_json(text_of(archive.read("metadata.json")), where);
    const auto found = internal::read_object(json, where).find("keras_version");
    if (found != json.end() && internal::read_string(*found, where).starts_with("2")) version = KerasVersion::two;
  }
  internal::KerasNetwork network =
      internal::import_keras(internal::parse_keras_config(config, name + ": config.json"), version, name);
  const std::vector<std::byte> weights = archive.read("model.weights.h5");
  Hdf5File file(weights, name + ": model.weights.h5");
  internal::KerasValues values = internal::read_numbered_weights(network.root, file, name);
  Model model = finish_keras(std::move(network), std::move(values), name);
  if (archive.has(internal::kKerasClassNames)) {
    take_class_names(model, text_of(archive.read(internal::kKerasClassNames)), name);
  }
  return model;
}

Model read_whole_h5(std::span<const std::byte> bytes, const std::string& name) {
  Hdf5File file(bytes, name);
  const std::string config = first_text(file, "", "model_config");
  if (config.empty()) {
    fail(name, "a whole model of Keras's, as model.save() writes it", "weights alone, or another HDF5 file",
         "name the network that they belong to");
  }
  const bool is_three = first_text(file, "", "keras_version").starts_with("3");
  internal::KerasNetwork network = internal::import_keras(internal::parse_keras_config(config, name + ": model_config"),
                                                          is_three ? KerasVersion::three : KerasVersion::two, name);
  internal::KerasValues values = internal::read_named_weights(network.root, file, "model_weights", name);
  Model model = finish_keras(std::move(network), std::move(values), name);
  take_class_names(model, first_text(file, "", internal::kKerasClassNames), name);
  return model;
}

/// The layers of a network as those of a model that is one chain of them.
internal::KerasUnit unit_of(const Graph& graph) {
  internal::KerasUnit root{.name = graph.name(), .class_name = "Functional"};
  for (const GraphNode& node : graph.nodes()) {
    internal::KerasUnit& unit = root.inside.emplace_back();
    unit.name = node.name;
    unit.class_name = node.layer->type() == "BatchNorm" ? "BatchNormalization" : std::string(node.layer->type());
    const bool is_depthwise = unit.class_name == "DepthwiseConv2D";
    for (const std::size_t i : node.parameters) {
      const ParameterSpec& spec = graph.parameters()[i];
      const std::string own = spec.name.substr(node.name.size() + 1);
      std::vector<Index> extents(spec.shape.extents().begin(), spec.shape.extents().end());
      // Keras counts the pixels that share a slope as axes of one.
      if (own == "alpha") extents.insert(extents.begin(), usize(node.shape.rank() - 1), 1);
      unit.weights.push_back({.name = own != "weight" ? own
                                      : is_depthwise  ? "depthwise_kernel"
                                                      : "kernel",
                              .shape = Shape(extents),
                              .parameter = spec.name,
                              .learns = spec.role == Parameter::Role::weight});
    }
  }
  return root;
}

}  // namespace

Model read_keras(std::span<const std::byte> bytes, const std::string& name) {
  if (internal::is_archive(bytes)) return read_archive(bytes, name);
  return read_whole_h5(bytes, name);
}

Model load_keras(const std::filesystem::path& path) { return read_keras(read_file(path), path.string()); }

void take_keras_weights(Model& net, std::span<const std::byte> bytes, const std::string& name) {
  Hdf5File file(bytes, name);
  const internal::KerasUnit root = unit_of(net.graph());
  const std::string group = file.has("model_weights") ? "model_weights" : "";
  const bool is_named = file.texts(group, "layer_names") || file.texts(group, "layer_names0");
  internal::KerasValues values = is_named ? internal::read_named_weights(root, file, group, name)
                                          : internal::read_numbered_weights(root, file, name);
  for (Parameter& parameter : net.parameters()) {
    if (!values.contains(parameter.name)) fail(name, quote(parameter.name), "none", "name another network");
  }
  for (Parameter& parameter : net.parameters()) {
    parameter.value = std::move(values.at(parameter.name)).reshaped(parameter.value.shape());
  }
}

void take_keras_weights(Model& net, const std::filesystem::path& path) {
  take_keras_weights(net, read_file(path), path.string());
}

}  // namespace saccade
