#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/norm/batch_norm.h"

namespace saccade::kernels::simd {

/// Takes those activations whose gradient is grad_dst or 0.
std::string decline_batch_norm(const BatchNormProblem& problem);
std::unique_ptr<BatchNormKernel> make(const BatchNormProblem& problem);

}  // namespace saccade::kernels::simd
