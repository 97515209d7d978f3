#include "saccade/cli/parse_numbers.h"

namespace saccade::cli {

std::optional<std::pair<Index, Index>> parse_pair(const std::string& text, char separator, bool one) {
  Index first = 0, second = 0;
  const char* const end = text.data() + text.size();
  const auto [middle, error] = std::from_chars(text.data(), end, first);
  if (error != std::errc{}) return std::nullopt;
  if (middle == end) return one ? std::optional(std::pair(first, first)) : std::nullopt;
  if (*middle != separator) return std::nullopt;
  const auto [last, second_error] = std::from_chars(middle + 1, end, second);
  if (second_error != std::errc{} || last != end) return std::nullopt;
  return std::pair(first, second);
}

}  // namespace saccade::cli
