#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "saccade/base/integer.h"

namespace saccade::kernels {

/// "r128c10" from {{"r", 128}, {"c", 10}}: the extents of a problem in the letters of the vocabulary.
struct NamedExtent {
  std::string_view name;
  Index value;
};

inline std::string problem_id(std::initializer_list<NamedExtent> extents) {
  std::string id;
  for (const NamedExtent& extent : extents) id.append(extent.name).append(std::to_string(extent.value));
  return id;
}

}  // namespace saccade::kernels
