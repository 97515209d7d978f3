#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels::simd {

/// Forward passes of depthwise convolutions (one filter a channel), a row of the output at a time. A vector is neighbouring
/// channels, so filters stay as they are, and the usual activations are taken before a result is written.
std::string decline_depthwise_rows(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_depthwise_rows(const Conv2DProblem& problem);

}  // namespace saccade::kernels::simd
