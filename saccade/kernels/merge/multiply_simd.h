#pragma once
#include <memory>

#include "saccade/kernels/merge/multiply.h"

namespace saccade::kernels::simd {

std::unique_ptr<MultiplyKernel> make_multiply(const MultiplyProblem& problem);

}  // namespace saccade::kernels::simd
