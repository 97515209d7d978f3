#pragma once
#include <memory>

#include "saccade/kernels/softmax/softmax.h"

namespace saccade::kernels::simd {

std::unique_ptr<SoftmaxKernel> make(const SoftmaxProblem& problem);

}  // namespace saccade::kernels::simd
