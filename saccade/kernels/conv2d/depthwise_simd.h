#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels::simd {

/// Gradients of depthwise filters (one filter a channel), up to 7 wide and 64 weights each.
std::string decline_depthwise(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_depthwise(const Conv2DProblem& problem);

}  // namespace saccade::kernels::simd
