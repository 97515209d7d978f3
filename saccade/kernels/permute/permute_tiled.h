#pragma once
#include <memory>

#include "saccade/kernels/permute/permute.h"

namespace saccade::kernels::tiled {

/// Neighbouring axes that stay neighbours count as one; then whole rows are copied where the innermost axis stays, and
/// squares of 32 x 32 are turned where it does not, so that both sides are read and written in cache lines. In parallel.
std::unique_ptr<PermuteKernel> make_permute(const PermuteProblem& problem);

}  // namespace saccade::kernels::tiled
