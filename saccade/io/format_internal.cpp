#include "saccade/io/format_internal.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "saccade/base/error.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

std::string kind_of(const Metadata& metadata) {
  const auto format = metadata.find("format");
  if (format == metadata.end()) return "a safetensors file without a format";
  if (format->second == kCheckpointFormat) return "a training checkpoint";
  if (format->second == kNetworkFormat) return "a saved network";
  return "format " + quote(format->second);
}

}  // namespace

Metadata format_metadata(std::string_view format, Index version) {
  return {{"format", std::string(format)}, {"version", fmt::format("{}", version)}};
}

void check_format(const Metadata& metadata, std::string_view format, Index newest_version, std::string_view file) {
  const Metadata wanted = format_metadata(format, newest_version);
  const auto found = metadata.find("format");
  if (found == metadata.end() || found->second != format) {
    throw FormatError({.where = std::string(file),
                       .expected = kind_of(wanted),
                       .got = kind_of(metadata),
                       .fix = "name another file"});
  }
  const auto version = metadata.find("version");
  const std::string text = version == metadata.end() ? "" : version->second;
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 1 || number > newest_version) {
    throw FormatError({.where = std::string(file),
                       .expected = fmt::format("{} of version 1{}", kind_of(wanted),
                                               newest_version == 1 ? "" : fmt::format(" to {}", newest_version)),
                       .got = version == metadata.end() ? "no version" : "version " + quote(text),
                       .fix = "use the version of Saccade that wrote it, or a newer one"});
  }
}

}  // namespace saccade::internal
