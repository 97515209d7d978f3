#pragma once
#include <memory>

#include "saccade/kernels/dropout/dropout.h"

namespace saccade::kernels::simd {

std::unique_ptr<DropoutKernel> make(const DropoutProblem& problem);

}  // namespace saccade::kernels::simd
