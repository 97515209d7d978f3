#pragma once
#include <array>
#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>

#include "saccade/base/integer.h"
#include "saccade/kernels/activation/activation.h"

namespace saccade::kernels {

/// An extent of a problem in a letter of the vocabulary.
struct NamedExtent {
  std::string_view name;
  Index value;
};

/// "r128c10" from {{"r", 128}, {"c", 10}}
inline std::string problem_id(std::initializer_list<NamedExtent> extents) {
  std::string id;
  for (const NamedExtent& extent : extents) id.append(extent.name).append(std::to_string(extent.value));
  return id;
}

/// "p0.5" from {"p", 0.5F}: the fewest decimals that give the number back.
inline std::string problem_id(std::string_view name, float value) {
  std::array<char, 64> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), value, std::chars_format::fixed).ptr;
  return std::string(name).append(digits.begin(), end);
}

/// Adds to an id "_nobias", and the activation, where that is so.
inline std::string with_bias_and_activation(std::string id, bool bias, Activation activation) {
  if (!bias) id += "_nobias";
  if (activation != Activation::linear) id.append("_").append(name_of(activation));
  return id;
}

}  // namespace saccade::kernels
