#include "saccade/io/quote.h"

#include <fmt/format.h>

#include <iterator>

namespace saccade {

std::string quote(std::string_view text) {
  constexpr std::size_t kLimit = 80;
  const bool cut = text.size() > kLimit;
  if (cut) {
    std::size_t end = kLimit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end);
  }
  std::string result = "'";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (code < 0x20U || code == 0x7FU) {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", code);
    } else {
      result += letter;
    }
  }
  return result + (cut ? "...'" : "'");
}

}  // namespace saccade
