#pragma once
#include <string_view>

#include "saccade/base/integer.h"
#include "saccade/io/safetensors.h"

namespace saccade::internal {

/// Saccade's safetensors files say in their metadata what they are: "format" is one of these, "version" the number of the
/// layout.
inline constexpr std::string_view kCheckpointFormat = "saccade.checkpoint";
inline constexpr std::string_view kNetworkFormat = "saccade.network";

/// The two entries that begin such a file's metadata.
Metadata format_metadata(std::string_view format, Index version);

/// Throws FormatError when a file's metadata names another format, or a version other than 1 .. newest_version.
void check_format(const Metadata& metadata, std::string_view format, Index newest_version, std::string_view file);

}  // namespace saccade::internal
