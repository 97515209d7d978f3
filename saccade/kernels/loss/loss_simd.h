#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/loss/loss.h"

namespace saccade::kernels::simd {

std::string decline(const LossProblem& problem);
std::unique_ptr<LossKernel> make(const LossProblem& problem);

}  // namespace saccade::kernels::simd
