#pragma once
#include <string>
#include <string_view>

namespace saccade {

/// Text of a file or folder (a name of a class, of a file, of a layer) as a terminal may show it, on one line: control
/// characters and bytes that are not UTF-8 stand as \xNN. What it leaves alone is every other character.
std::string printable(std::string_view text);

/// The same of a text of several lines, which stay.
std::string printable_lines(std::string_view text);

}  // namespace saccade
