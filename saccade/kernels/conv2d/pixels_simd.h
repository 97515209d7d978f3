#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels::simd {

/// Forward passes of 1x1 convolutions over small images, whose filters are larger than they are and stay the same: cut between
/// channels, so that each thread reads a part of the filter, once. Sums are the definition's, in its order.
std::string decline_pixels(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_pixels(const Conv2DProblem& problem);

}  // namespace saccade::kernels::simd
