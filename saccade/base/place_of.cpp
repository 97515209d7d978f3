#include "saccade/base/place_of.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "saccade/base/error.h"

namespace saccade {

std::size_t place_of(std::string_view name, std::span<const std::string_view> names, std::string_view where,
                     std::string_view fix) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  throw ValueError({.where = std::string(where),
                    .expected = fmt::format("one of {}", fmt::join(names, ", ")),
                    .got = fmt::format("'{}'", name),
                    .fix = std::string(fix)});
}

}  // namespace saccade
