#pragma once
#include <optional>
#include <string>
#include <utility>

#include "saccade/base/integer.h"

namespace saccade::cli {

/// Two whole numbers with `separator` between them ("4x4"), or one that stands for both where `one` is allowed.
std::optional<std::pair<Index, Index>> parse_pair(const std::string& text, char separator, bool one);

}  // namespace saccade::cli
