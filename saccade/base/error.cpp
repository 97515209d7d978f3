#include "saccade/base/error.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

namespace saccade {
namespace {

void append_on_one_line(std::string& line, std::string_view part) {
  for (const char c : part) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", code);
    } else {
      line += c;
    }
  }
}

std::string render(const ErrorText& text) {
  std::string line;
  append_on_one_line(line, text.where);
  auto append = [&line](std::string_view separator, std::string_view label, const std::string& part) {
    if (part.empty()) return;
    if (!line.empty()) line += separator;
    line += label;
    append_on_one_line(line, part);
  };
  append(": ", "expected ", text.expected);
  append(text.expected.empty() ? ": " : ", ", "got ", text.got);
  append("; ", "", text.fix);
  return line;
}

}  // namespace

Error::Error(ErrorText text) : std::runtime_error(render(text)), text_(std::move(text)) {}

}  // namespace saccade
