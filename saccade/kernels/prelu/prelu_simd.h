#pragma once
#include <memory>

#include "saccade/kernels/prelu/prelu.h"

namespace saccade::kernels::simd {

std::unique_ptr<PReluKernel> make_prelu(const PReluProblem& problem);

}  // namespace saccade::kernels::simd
