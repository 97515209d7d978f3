#include "saccade/base/call_text.h"

#include <fmt/format.h>

#include <charconv>

#include "saccade/base/error.h"

namespace saccade {
namespace {

template <class T>
bool read(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

// At most 100 bytes of a text that may come from a hostile file, cut between two UTF-8 characters.
std::string shorten(std::string_view text) {
  constexpr std::size_t kMost = 100;
  if (text.size() <= kMost) return std::string(text);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return fmt::format("{}...", text.substr(0, end));
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

CallText::CallText(std::string_view what, std::string_view text) : what_(what), text_(text), name_(trim(text)) {
  const auto open = name_.find('(');
  if (open == std::string_view::npos) return;
  if (name_.back() != ')') fail("')' at the end", "none", "close what '(' opens");
  const std::string_view inside = trim(name_.substr(open + 1, name_.size() - open - 2));
  name_ = trim(name_.substr(0, open));
  if (inside.empty()) return;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= inside.size(); ++i) {
    const char c = i < inside.size() ? inside[i] : ',';
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (depth < 0 || (i == inside.size() && depth != 0)) fail("matching parentheses", "others", "count them");
    if (c != ',' || depth != 0) continue;
    const std::string_view argument = trim(inside.substr(begin, i - begin));
    const auto equals = argument.substr(0, argument.find('(')).find('=');
    if (equals == std::string_view::npos) {
      arguments_.push_back({.key = {}, .value = argument});
    } else {
      arguments_.push_back({.key = trim(argument.substr(0, equals)), .value = trim(argument.substr(equals + 1))});
    }
    begin = i + 1;
  }
}

void CallText::require_count(std::size_t least, std::size_t most, std::string_view example) const {
  if (arguments_.size() >= least && arguments_.size() <= most) return;
  const std::string count = least == most ? fmt::format("{}", least) : fmt::format("{} or {}", least, most);
  fail(fmt::format("{} argument{}", count, least == 1 && most == 1 ? "" : "s"), fmt::format("{}", arguments_.size()),
       fmt::format("write {}", example));
}

double CallText::number(std::string_view value) const {
  double number = 0.0;
  if (!read(value, number)) fail("a number", fmt::format("'{}'", value), "write it like 0.05 or 1e-3");
  return number;
}

Index CallText::integer(std::string_view value) const {
  Index number = 0;
  if (!read(value, number)) fail("a whole number", fmt::format("'{}'", value), "write it like 500");
  return number;
}

void CallText::fail(std::string expected, std::string_view got, std::string fix) const {
  throw ValueError({.where = fmt::format("{} '{}'", what_, shorten(text_)),
                    .expected = std::move(expected),
                    .got = shorten(got),
                    .fix = std::move(fix)});
}

}  // namespace saccade
