#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/activation/activation.h"

namespace saccade::kernels::simd {

std::string decline(const ActivationProblem& problem);
std::unique_ptr<ActivationKernel> make(const ActivationProblem& problem);

}  // namespace saccade::kernels::simd
