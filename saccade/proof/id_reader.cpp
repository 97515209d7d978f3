#include "saccade/proof/id_reader.h"

#include <fmt/format.h>

#include <charconv>

#include "saccade/base/error.h"

namespace saccade::proof {
namespace {

constexpr Index kMostElements = Index{1} << 28;

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return (c >= '0' && c <= '9') || c == '.'; }

}  // namespace

IdReader::IdReader(std::string_view operation, std::string_view id)
    : where_(fmt::format("{} case '{}'", operation, id)) {
  const std::size_t end = std::min(id.find('_'), id.size());
  words_ = id.substr(end);
  for (std::size_t i = 0; i < end;) {
    Token token;
    while (i < end && is_letter(id[i])) token.name += id[i++];
    while (i < end && is_digit(id[i])) token.digits += id[i++];
    if (token.name.empty() || token.digits.empty()) {
      fail("names with numbers, such as n2ih5", fmt::format("'{}'", id.substr(0, end)));
    }
    tokens_.push_back(std::move(token));
  }
}

void IdReader::fail(std::string expected, std::string got) const {
  throw ValueError({.where = where_,
                    .expected = std::move(expected),
                    .got = std::move(got),
                    .fix = "copy a case from the benchmark's own output"});
}

Index IdReader::to_integer(const Token& token, Index least) const {
  Index value = 0;
  const char* const end = token.digits.data() + token.digits.size();
  const auto [stop, error] = std::from_chars(token.digits.data(), end, value);
  if (error != std::errc() || stop != end || value < least) {
    fail(fmt::format("{} to be a whole number of at least {}", token.name, least), token.digits);
  }
  return value;
}

std::vector<Index> IdReader::numbers(std::string_view name, Index least) {
  std::vector<Index> values;
  for (Token& token : tokens_) {
    if (token.name != name) continue;
    token.used = true;
    values.push_back(to_integer(token, least));
  }
  return values;
}

void IdReader::number(std::string_view name, Index& value, Index least) {
  const std::vector<Index> values = numbers(name, least);
  if (values.size() > 1) fail(fmt::format("{} once", name), fmt::format("{} times", values.size()));
  if (!values.empty()) value = values.front();
}

void IdReader::real(std::string_view name, double& value) {
  for (Token& token : tokens_) {
    if (token.name != name) continue;
    token.used = true;
    const char* const end = token.digits.data() + token.digits.size();
    const auto [stop, error] = std::from_chars(token.digits.data(), end, value);
    if (error != std::errc() || stop != end) fail(fmt::format("{} to be a number", name), token.digits);
  }
}

bool IdReader::word(std::string_view name) {
  const std::string marked = fmt::format("_{}", name);
  for (std::size_t at = words_.find(marked); at != std::string::npos; at = words_.find(marked, at + 1)) {
    const std::size_t end = at + marked.size();
    if (end != words_.size() && words_[end] != '_') continue;
    words_.erase(at, marked.size());
    return true;
  }
  return false;
}

void IdReader::finish() const {
  for (const Token& token : tokens_) {
    if (!token.used) fail("names that the operation has", fmt::format("'{}'", token.name));
  }
  if (!words_.empty()) fail("words that the operation has", fmt::format("'{}'", words_.substr(1)));
}

void IdReader::require_size(std::initializer_list<Index> extents) const {
  Index elements = 1;
  for (const Index extent : extents) {
    const auto product = checked_multiply(elements, extent);
    if (!product || *product > kMostElements) {
      fail(fmt::format("arrays of at most {} elements", kMostElements), "more");
    }
    elements = *product;
  }
}

}  // namespace saccade::proof
