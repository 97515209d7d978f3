#include "saccade/io/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/io/quote_internal.h"

namespace saccade {
namespace {

constexpr Index kVersion = 1;
/// Keys of the run stand behind this in the file's metadata, apart from "format" and "version".
constexpr std::string_view kStatePrefix = "state.";
constexpr const char* kOtherRun = "it was written by another version or run; start a new run";

std::optional<Index> parse_index(std::string_view text) {
  Index value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Hexadecimal floating point, "-0x1.8p-3", "inf" or "nan", whatever the locale.
std::optional<double> parse_double(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.starts_with("0x")) text.remove_prefix(2);
  if (text.starts_with('-')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::hex);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return negative ? -value : value;
}

std::string kind_of(const Metadata& metadata) {
  const auto format = metadata.find("format");
  if (format == metadata.end()) return "a safetensors file without a format";
  if (format->second == kCheckpointFormat) return "a training checkpoint";
  if (format->second == kNetworkFormat) return "a saved network";
  return "format " + quote(format->second);
}

std::string kind_named(std::string_view format) { return kind_of({{"format", std::string(format)}}); }

}  // namespace

void check_format(const Metadata& metadata, std::string_view format, Index newest_version, std::string_view file) {
  const auto found = metadata.find("format");
  if (found == metadata.end() || found->second != format) {
    throw FormatError({.where = std::string(file),
                       .expected = kind_named(format),
                       .got = kind_of(metadata),
                       .fix = "name another file"});
  }
  const auto version = metadata.find("version");
  const std::optional<Index> number = version == metadata.end() ? std::nullopt : parse_index(version->second);
  if (!number || *number < 1 || *number > newest_version) {
    throw FormatError(
        {.where = std::string(file),
         .expected = newest_version == 1 ? "version 1" : fmt::format("a version from 1 to {}", newest_version),
         .got = version == metadata.end() ? "none" : quote(version->second),
         .fix = "use the version of Saccade that wrote it, or a newer one"});
  }
}

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  SafetensorsFile file = load_safetensors(path);
  check_format(file.metadata, kCheckpointFormat, kVersion, path.string());
  Checkpoint checkpoint;
  checkpoint.file_ = path.string();
  checkpoint.tensors_ = std::move(file.tensors);
  for (auto& [key, value] : file.metadata) {
    if (key.starts_with(kStatePrefix)) checkpoint.state_[key.substr(kStatePrefix.size())] = std::move(value);
  }
  return checkpoint;
}

void Checkpoint::save(const std::filesystem::path& path) const {
  std::vector<TensorEntry> entries;
  for (const auto& [name, tensor] : tensors_) entries.push_back({name, &tensor});
  save(path, entries);
}

void Checkpoint::save(const std::filesystem::path& path, std::span<const TensorEntry> tensors) const {
  Metadata metadata = {{"format", std::string(kCheckpointFormat)}, {"version", fmt::format("{}", kVersion)}};
  for (const auto& [key, value] : state_) metadata[std::string(kStatePrefix) + key] = value;
  write_safetensors(path, tensors, metadata);
}

void Checkpoint::set_index(const std::string& key, Index value) { state_[key] = fmt::format("{}", value); }
void Checkpoint::set_double(const std::string& key, double value) { state_[key] = fmt::format("{:a}", value); }
void Checkpoint::set_text(const std::string& key, std::string value) { state_[key] = std::move(value); }
bool Checkpoint::has(const std::string& key) const { return state_.contains(key); }

const std::string& Checkpoint::get_text(const std::string& key) const {
  const auto found = state_.find(key);
  if (found == state_.end()) {
    throw FormatError({.where = file_, .expected = "a value " + quote(key), .got = "none", .fix = kOtherRun});
  }
  return found->second;
}

Index Checkpoint::get_index(const std::string& key) const {
  const std::string& text = get_text(key);
  const std::optional<Index> value = parse_index(text);
  if (!value) {
    throw FormatError({.where = fmt::format("{}: value {}", file_, quote(key)),
                       .expected = "a whole number",
                       .got = quote(text),
                       .fix = kOtherRun});
  }
  return *value;
}

double Checkpoint::get_double(const std::string& key) const {
  const std::string& text = get_text(key);
  const std::optional<double> value = parse_double(text);
  if (!value) {
    throw FormatError({.where = fmt::format("{}: value {}", file_, quote(key)),
                       .expected = "a hexadecimal number such as 0x1.8p-3",
                       .got = quote(text),
                       .fix = kOtherRun});
  }
  return *value;
}

void Checkpoint::add_tensor(std::string name, Tensor tensor) {
  tensors_.emplace_back(std::move(name), std::move(tensor));
}

const Tensor& Checkpoint::get_tensor(std::string_view name, const Shape& shape) const {
  const auto found = std::ranges::find_if(tensors_, [&](const auto& entry) { return entry.first == name; });
  if (found == tensors_.end()) {
    throw FormatError({.where = file_, .expected = "a tensor " + quote(name), .got = "none", .fix = kOtherRun});
  }
  if (found->second.shape() != shape) {
    throw FormatError({.where = fmt::format("{}: tensor {}", file_, quote(name)),
                       .expected = "shape " + shape.to_string(),
                       .got = found->second.shape().to_string(),
                       .fix = kOtherRun});
  }
  return found->second;
}

}  // namespace saccade
