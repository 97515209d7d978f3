#include "saccade/io/model_file.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/io/architecture_internal.h"
#include "saccade/io/format_internal.h"
#include "saccade/io/json_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/io/safetensors.h"

namespace saccade {
namespace {

using internal::Json;
using internal::OrderedJson;
using internal::quote;

constexpr Index kVersion = 1;
constexpr const char* kOtherNetwork = "the file is damaged, or its architecture and its tensors belong to two networks";

OrderedJson json_of(const std::vector<float>& values) {
  OrderedJson json = OrderedJson::array();
  for (const float value : values) json.push_back(internal::stored_float(value));
  return json;
}

OrderedJson json_of(const std::vector<std::string>& values) {
  OrderedJson json = OrderedJson::array();
  for (const std::string& value : values) json.push_back(value);
  return json;
}

Metadata metadata_of(const Model& model) {
  std::vector<std::string> frozen;
  for (const Parameter& parameter : model.parameters()) {
    if (!parameter.trainable) frozen.push_back(parameter.name);
  }
  const Preprocessing& p = model.preprocessing;
  Metadata metadata = internal::format_metadata(internal::kNetworkFormat, kVersion);
  metadata["architecture"] = internal::format_architecture(model);
  metadata["preprocessing"] = internal::format_json(
      {{"scale", internal::stored_float(p.scale)}, {"mean", json_of(p.mean)}, {"deviation", json_of(p.deviation)}});
  metadata["class_names"] = internal::format_json(json_of(model.class_names));
  metadata["frozen"] = internal::format_json(json_of(frozen));
  return metadata;
}

/// Reads the parts of one file.
class ModelReader {
 public:
  ModelReader(SafetensorsFile contents, const std::string& file)
      : metadata_(std::move(contents.metadata)), file_(file) {
    internal::check_format(metadata_, internal::kNetworkFormat, kVersion, file_);
    for (auto& [name, tensor] : contents.tensors) tensors_.emplace(std::move(name), std::move(tensor));
  }

  Model read() {
    Model model = internal::parse_architecture(
        part("architecture"), file_,
        [this](const std::string& layer, std::span<const ParameterSpec> specs) { expect(layer, specs); });
    for (const auto& [name, tensor] : tensors_) {
      if (expected_.contains(name)) continue;
      throw FormatError({.where = file_,
                         .expected = "only tensors that a layer asks for",
                         .got = fmt::format("{} {}", quote(name), tensor.shape().to_string()),
                         .fix = kOtherNetwork});
    }
    for (Parameter& parameter : model.parameters()) parameter.value = std::move(tensors_.at(parameter.name));
    read_preprocessing(model);
    read_class_names(model);
    for (const std::string& name : read_strings("frozen")) {
      if (!expected_.contains(name)) {
        throw FormatError(
            {.where = file_ + ": frozen", .expected = "names of parameters", .got = quote(name), .fix = kOtherNetwork});
      }
      model.parameter(name).trainable = false;
    }
    return model;
  }

 private:
  const std::string& part(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) {
      throw FormatError({.where = file_,
                         .expected = fmt::format("'{}' in the metadata", key),
                         .got = "none",
                         .fix = "the file is damaged; save the network again"});
    }
    return found->second;
  }

  void expect(const std::string& layer, std::span<const ParameterSpec> specs) {
    for (const ParameterSpec& spec : specs) {
      const std::string name = layer + "." + spec.name;
      const auto found = tensors_.find(name);
      const bool present = found != tensors_.end();
      if (!present || found->second.shape() != spec.shape || found->second.dtype() != DType::float32) {
        throw FormatError(
            {.where = fmt::format("{}: tensor {}", file_, quote(name)),
             .expected = fmt::format("float32 {}", spec.shape.to_string()),
             .got = present ? fmt::format("{} {}", name_of(found->second.dtype()), found->second.shape().to_string())
                            : "none",
             .fix = kOtherNetwork});
      }
      expected_.insert(name);
    }
  }

  std::vector<float> read_floats(const Json& object, const std::string& key, const std::string& where) const {
    std::vector<float> values;
    const std::string place = where + ", " + key;
    for (const Json& value : internal::read_array(internal::read_member(object, key, where), place)) {
      values.push_back(internal::read_float(value, place));
    }
    return values;
  }

  std::vector<std::string> read_strings(const std::string& key) const {
    const std::string where = file_ + ": " + key;
    const Json json = internal::parse_json(part(key), where);
    std::vector<std::string> values;
    for (const Json& value : internal::read_array(json, where)) values.push_back(internal::read_string(value, where));
    return values;
  }

  void read_preprocessing(Model& model) const {
    const std::string where = file_ + ": preprocessing";
    const Json json = internal::parse_json(part("preprocessing"), where);
    internal::read_object(json, where);
    Preprocessing& p = model.preprocessing;
    p.scale = internal::read_float(internal::read_member(json, "scale", where), where + ", scale");
    p.mean = read_floats(json, "mean", where);
    p.deviation = read_floats(json, "deviation", where);
    try {
      p.validate(model.input_shape()[-1]);
    } catch (const ValueError& error) {
      ErrorText text = error.text();
      text.where = file_ + ": " + text.where;
      throw FormatError(std::move(text));
    }
  }

  void read_class_names(Model& model) const {
    model.class_names = read_strings("class_names");
    const Shape& shape = model.output_shape();
    const Index outputs = shape.rank() == 0 ? 1 : shape[-1];
    if (model.class_names.empty() || isize(model.class_names.size()) == outputs) return;
    throw FormatError({.where = file_ + ": class_names",
                       .expected = fmt::format("none or {} names, one an output", outputs),
                       .got = fmt::format("{}", model.class_names.size()),
                       .fix = kOtherNetwork});
  }

  Metadata metadata_;
  std::map<std::string, Tensor> tensors_;
  std::set<std::string> expected_;
  const std::string& file_;
};

}  // namespace

void encode_model(const Model& model, const Append& append) {
  std::vector<TensorEntry> tensors;
  for (const Parameter& parameter : model.parameters()) tensors.push_back({parameter.name, &parameter.value});
  encode_safetensors(tensors, metadata_of(model), append);
}

void Model::save(const std::filesystem::path& path) const {
  write_file(path, [this](const Append& append) { encode_model(*this, append); });
}

Model read_model(std::span<const std::byte> bytes, const std::string& name) {
  return ModelReader(read_safetensors(bytes, name), name).read();
}

Model load_model(const std::filesystem::path& path) {
  const std::string name = path.string();
  return ModelReader(load_safetensors(path), name).read();
}

}  // namespace saccade
