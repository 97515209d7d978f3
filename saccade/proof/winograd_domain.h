#pragma once
#include "saccade/proof/case.h"

namespace saccade::proof {

/// Winograd's transforms divide by up to 24 in each direction: exact for such multiples, as everybody else's sums are.
inline const Domain kDivisible{.integer_low = -1, .integer_high = 1, .integer_step = 24 * 24};

}  // namespace saccade::proof
