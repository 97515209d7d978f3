#pragma once
#include <memory>

#include "saccade/kernels/norm/local_response_norm.h"

namespace saccade::kernels::simd {

std::unique_ptr<LocalResponseNormKernel> make_local_response_norm(const LocalResponseNormProblem& problem);

}  // namespace saccade::kernels::simd
