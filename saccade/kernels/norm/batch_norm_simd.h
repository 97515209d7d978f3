#pragma once
#include <memory>

#include "saccade/kernels/norm/batch_norm.h"

namespace saccade::kernels::simd {

std::unique_ptr<BatchNormKernel> make(const BatchNormProblem& problem);

}  // namespace saccade::kernels::simd
