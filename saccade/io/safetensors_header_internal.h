#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/io/safetensors.h"

namespace saccade::internal {

inline constexpr Index kMaxHeaderBytes = 100'000'000;
inline constexpr std::string_view kMetadataKey = "__metadata__";

/// One tensor as the header describes it: well-formed, but not yet checked against the data.
struct HeaderEntry {
  std::string name;
  std::string dtype;
  std::vector<Index> shape;
  std::array<Index, 2> data_offsets{};
};

struct Header {
  Metadata metadata;
  std::vector<HeaderEntry> entries;
};

/// Parses the JSON part of a safetensors file. Throws FormatError; `file` is the name in its text.
Header parse_header(std::string_view json, std::string_view file);

/// A header as JSON on one line. Throws ValueError when a string is not UTF-8.
std::string format_header(const Header& header);

}  // namespace saccade::internal
