#pragma once
#include <string>
#include <string_view>

namespace saccade::internal {

/// Text from a file as an error message may show it: in single quotes, and cut after 80 bytes, between two UTF-8
/// characters.
std::string quote(std::string_view text);

}  // namespace saccade::internal
