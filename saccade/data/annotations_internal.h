#pragma once
#include <span>
#include <string>

#include "saccade/base/integer.h"

namespace saccade::data {

/// Throw ValueError unless there are `count` numbers, all finite, and of weights none negative (naming the first).
void require_weights(std::span<const float> weights, Index count, const std::string& name);
void require_targets(std::span<const float> targets, Index count, const std::string& name);

}  // namespace saccade::data
