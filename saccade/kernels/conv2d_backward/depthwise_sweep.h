#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels::simd {

/// Both gradients of a depthwise convolution three taps wide, a row of the source at a time: the rows of grad_dst that give its
/// gradient are those whose products with it give the filter's. A vector is neighbouring channels.
std::string decline_depthwise_sweep(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_depthwise_sweep(const Conv2DProblem& problem);

}  // namespace saccade::kernels::simd
