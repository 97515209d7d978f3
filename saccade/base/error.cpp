#include "saccade/base/error.h"

#include <utility>

namespace saccade {
namespace {

std::string render(const ErrorText& text) {
  std::string line = text.where;
  auto append = [&line](std::string_view separator, std::string_view label, const std::string& part) {
    if (part.empty()) return;
    if (!line.empty()) line += separator;
    line += label;
    line += part;
  };
  append(": ", "expected ", text.expected);
  append(text.expected.empty() ? ": " : ", ", "got ", text.got);
  append("; ", "", text.fix);
  return line;
}

}  // namespace

Error::Error(ErrorText text) : std::runtime_error(render(text)), text_(std::move(text)) {}

}  // namespace saccade
