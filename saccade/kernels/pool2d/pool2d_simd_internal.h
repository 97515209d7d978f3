#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/pool2d/pool2d.h"

namespace saccade::kernels::simd {

/// Pooling in vectors of channels. Max pooling keeps the number of the winning tap, one byte a result (two for windows
/// of more than 256 pixels), and its backward pass writes each pixel once where windows do not overlap.
std::string decline(const Pool2DProblem& problem);
std::unique_ptr<Pool2DKernel> make(const Pool2DProblem& problem);

}  // namespace saccade::kernels::simd
