#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace saccade {

/// The place of a name in a list: of an enumerator, whose names stand in its order. Throws ValueError, about `where`, that lists
/// the names.
std::size_t place_of(std::string_view name, std::span<const std::string_view> names, std::string_view where,
                     std::string_view fix = "use one of these names");

}  // namespace saccade
