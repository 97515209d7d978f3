#include "saccade/base/error.h"

#include <string_view>
#include <utility>

#include "saccade/base/printable.h"

namespace saccade {
namespace {

std::string render(const ErrorText& text) {
  std::string line = printable(text.where);
  auto append = [&line](std::string_view separator, std::string_view label, const std::string& part) {
    if (part.empty()) return;
    if (!line.empty()) line += separator;
    line += label;
    line += printable(part);
  };
  append(": ", "expected ", text.expected);
  append(text.expected.empty() ? ": " : ", ", "got ", text.got);
  append("; ", "", text.fix);
  return line;
}

}  // namespace

Error::Error(ErrorText text) : std::runtime_error(render(text)), text_(std::move(text)) {}

}  // namespace saccade
