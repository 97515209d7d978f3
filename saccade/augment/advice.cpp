#include "saccade/augment/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

namespace saccade {
namespace {

constexpr double kFarTurn = 45.0;  // degrees; from there on 6 and 9, N and Z, come close to one another

/// Letters and digits are classes of one character, upper and lower case together perhaps.
bool are_signs(const std::vector<std::string>& names) {
  const auto short_names = std::ranges::count_if(names, [](const std::string& name) { return name.size() == 1; });
  return names.size() > 1 && 2 * short_names > static_cast<std::ptrdiff_t>(names.size());
}

/// Whether a class name has the word: "turn_left", "arrow-Left", "left".
bool has_word(std::string_view name, std::string_view word) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto letter = [&](std::size_t i) {
    return i < lower.size() && std::isalpha(static_cast<unsigned char>(lower[i]));
  };
  for (std::size_t at = lower.find(word); at != std::string::npos; at = lower.find(word, at + 1)) {
    if ((at == 0 || !letter(at - 1)) && !letter(at + word.size())) return true;
  }
  return false;
}

/// The first class that has one of the words; empty when none has.
std::string first_with(const std::vector<std::string>& names, std::initializer_list<std::string_view> words) {
  for (const std::string& name : names) {
    if (std::ranges::any_of(words, [&](std::string_view word) { return has_word(name, word); })) return name;
  }
  return {};
}

}  // namespace

std::vector<std::string> augmentation_advice(const ImageDataGeneratorOptions& o,
                                             const std::vector<std::string>& class_names) {
  std::vector<std::string> advice;
  const bool signs = are_signs(class_names);
  if (signs && (o.horizontal_flip || o.vertical_flip)) {
    advice.push_back(
        fmt::format("{} makes other signs, or none, of digits and letters (classes {}, {}, ...): leave it out",
                    o.horizontal_flip ? "horizontal_flip" : "vertical_flip", class_names[0], class_names[1]));
  }
  const std::string sideways = first_with(class_names, {"left", "right"});
  if (o.horizontal_flip && !sideways.empty()) {
    advice.push_back(
        fmt::format("horizontal_flip turns left into right, which class '{}' seems to tell apart", sideways));
  }
  const std::string upwards = first_with(class_names, {"up", "down", "top", "bottom"});
  if (o.vertical_flip && !upwards.empty()) {
    advice.push_back(fmt::format("vertical_flip turns up into down, which class '{}' seems to tell apart", upwards));
  } else if (o.vertical_flip && !signs) {
    advice.emplace_back(
        "vertical_flip suits pictures without an up and down, like those from above or of a microscope; "
        "most photographs have one");
  }
  if (signs && std::abs(o.rotation_range) > kFarTurn) {
    advice.push_back(
        fmt::format("rotation_range {} turns 6 into 9 and N into Z: stay below {}", o.rotation_range, kFarTurn));
  }
  if (o.brightness_range && (o.brightness_range->low - 1.0) * (o.brightness_range->high - 1.0) > 0.0) {  // in any order
    advice.push_back(fmt::format("brightness_range {}, {} does not include 1: no picture keeps its own brightness",
                                 o.brightness_range->low, o.brightness_range->high));
  }
  if (o.brightness_range && o.rescale && std::abs(*o.rescale) < 0.1) {
    advice.emplace_back(
        "rescale comes after brightness_range in a flow, but before it in fit(augment = true), where the whole "
        "numbers of a picture in 0..1 are all 0: leave augment off, or brightness_range");
  }
  if (std::min(o.zoom_range.low, o.zoom_range.high) <= 0.1) {
    advice.push_back(fmt::format("zoom_range goes down to {}: a picture may become a blow-up of a single pixel",
                                 std::min(o.zoom_range.low, o.zoom_range.high)));
  }
  return advice;
}

}  // namespace saccade
