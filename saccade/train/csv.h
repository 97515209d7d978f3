#pragma once
#include <string>
#include <string_view>

namespace saccade {

/// A field of a CSV line: in double quotes, with inner ones doubled, when it holds a comma, a quote or a line break
/// (RFC 4180).
std::string csv_field(std::string_view text);

}  // namespace saccade
