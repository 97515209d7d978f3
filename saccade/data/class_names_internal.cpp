#include "saccade/data/class_names_internal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "saccade/base/error.h"

namespace saccade::data {

std::string joined(std::span<const std::string> names) {
  constexpr std::size_t kMost = 20;
  if (names.size() <= kMost) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{}, ... ({} in all)", fmt::join(names.first(kMost), ", "), names.size());
}

void require_classes(const std::vector<std::string>& classes, const std::string& where) {
  std::vector<std::string> sorted = classes;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  const bool empty = !sorted.empty() && sorted.front().empty();
  if (twice == sorted.end() && !empty) return;
  throw ValueError({.where = fmt::format("{}: classes", where),
                    .expected = "every class named once",
                    .got = empty ? "an empty name" : fmt::format("'{}' twice", *twice),
                    .fix = "list the names of the classes"});
}

void throw_other_classes(const std::string& where, std::string_view what, std::span<const std::string> wanted,
                         std::span<const std::string> found) {
  throw ValueError({.where = where,
                    .expected = fmt::format("{} of the classes {}", what, joined(wanted)),
                    .got = joined(found),
                    .fix = "rename them, or use a network that was trained on these classes"});
}

}  // namespace saccade::data
