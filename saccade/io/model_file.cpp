#include "saccade/io/model_file.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/io/architecture_internal.h"
#include "saccade/io/facts_internal.h"
#include "saccade/io/format_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/io/safetensors.h"

namespace saccade {
namespace {

using internal::quote;

constexpr Index kModelFileVersion = 1;
constexpr const char* kOtherNetwork = "the file is damaged, or its architecture and its tensors belong to two networks";

Metadata metadata_of(const Model& model) {
  std::vector<std::string> frozen;
  for (const Parameter& parameter : model.parameters()) {
    if (!parameter.trainable) frozen.push_back(parameter.name);
  }
  Metadata metadata = internal::format_metadata(internal::kNetworkFormat, kModelFileVersion);
  metadata["architecture"] = internal::format_architecture(model);
  metadata.merge(internal::facts_of(model));
  metadata["frozen"] = internal::format_strings(frozen);
  return metadata;
}

/// Reads the parts of one file.
class ModelReader {
 public:
  ModelReader(SafetensorsFile contents, const std::string& file)
      : metadata_(std::move(contents.metadata)), file_(file) {
    internal::check_format(metadata_, internal::kNetworkFormat, kModelFileVersion, file_);
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
    internal::take_facts(model, metadata_, file_);
    for (const std::string& name : internal::parse_strings(part("frozen"), file_ + ": frozen")) {
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
