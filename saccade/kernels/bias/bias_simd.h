#pragma once
#include <memory>

#include "saccade/kernels/bias/bias.h"

namespace saccade::kernels::simd {

std::unique_ptr<BiasKernel> make(const BiasProblem& problem);

}  // namespace saccade::kernels::simd
