#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/nn/options.h"

namespace saccade::internal {

/// The words for the values of an enumeration.
template <class Enum, std::size_t kCount>
using Choices = std::array<std::pair<std::string_view, Enum>, kCount>;

/// An option that is one of a few words. Throws ValueError naming them all.
template <class Enum, std::size_t kCount>
void visit_choice(std::string_view layer, std::string_view option, Enum& value, const Choices<Enum, kCount>& choices,
                  OptionVisitor& visitor) {
  std::string text(std::ranges::find(choices, value, &std::pair<std::string_view, Enum>::second)->first);
  visitor.visit(option, text);
  const auto found = std::ranges::find(choices, text, &std::pair<std::string_view, Enum>::first);
  if (found != choices.end()) {
    value = found->second;
    return;
  }
  std::string known;
  for (const auto& [word, meaning] : choices) known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
  throw ValueError({.where = fmt::format("{}: {}", layer, option),
                    .expected = "one of " + known,
                    .got = fmt::format("'{}'", text),
                    .fix = ""});
}

}  // namespace saccade::internal
