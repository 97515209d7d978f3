#pragma once
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::cli {

/// Two whole numbers with `separator` between them ("4x4"), or one that stands for both where `one` is allowed.
std::optional<std::pair<Index, Index>> parse_pair(const std::string& text, char separator, bool one);

/// The numbers of "1,4.5,9"; none when the text is something else.
template <class Number>
std::vector<Number> parse_numbers(std::string_view text) {
  std::vector<Number> numbers;
  const char* position = text.data();
  const char* const end = position + text.size();
  while (true) {
    Number number{};
    const auto [stop, error] = std::from_chars(position, end, number);
    if (error != std::errc{} || (stop != end && *stop != ',')) return {};
    numbers.push_back(number);
    if (stop == end) return numbers;
    position = stop + 1;
  }
}

}  // namespace saccade::cli
