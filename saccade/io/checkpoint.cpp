#include "saccade/io/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/io/format_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade {
namespace {

using internal::quote;

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

}  // namespace

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  SafetensorsFile file = load_safetensors(path);
  internal::check_format(file.metadata, internal::kCheckpointFormat, kVersion, path.string());
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
  Metadata metadata = internal::format_metadata(internal::kCheckpointFormat, kVersion);
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
