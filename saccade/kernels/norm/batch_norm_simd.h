#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/norm/batch_norm.h"

namespace saccade::kernels::simd {

/// Whether the loops of batch normalisation take the activation behind it: those whose gradient is grad_dst or 0.
bool takes_activation(Activation activation);
std::string decline_batch_norm(const BatchNormProblem& problem);
std::unique_ptr<BatchNormKernel> make(const BatchNormProblem& problem);

}  // namespace saccade::kernels::simd
