#pragma once
#include <memory>

#include "saccade/kernels/upsample2d/upsample2d.h"

namespace saccade::kernels::simd {

std::unique_ptr<UpSample2DKernel> make_upsample2d(const UpSample2DProblem& problem);

}  // namespace saccade::kernels::simd
