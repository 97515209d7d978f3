#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saccade::data {

/// "a, b, c"; of many the first 20 and how many there are.
std::string joined(std::span<const std::string> names);

/// Throws ValueError when a name is empty or stands twice.
void require_classes(const std::vector<std::string>& classes, const std::string& where);

/// Throws ValueError: none of the wanted classes is among those that are `found`, which are `what` ("sub-folders").
[[noreturn]] void throw_other_classes(const std::string& where, std::string_view what,
                                      std::span<const std::string> wanted, std::span<const std::string> found);

}  // namespace saccade::data
