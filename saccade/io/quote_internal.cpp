#include "saccade/io/quote_internal.h"

namespace saccade::internal {

std::string quote(std::string_view text) {
  constexpr std::size_t kLimit = 80;
  if (text.size() <= kLimit) return "'" + std::string(text) + "'";
  std::size_t end = kLimit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return "'" + std::string(text.substr(0, end)) + "...'";
}

}  // namespace saccade::internal
