#pragma once
#include <memory>

#include "saccade/kernels/pad2d/pad2d.h"

namespace saccade::kernels::copy {

/// Whole image rows by memcpy, in parallel.
std::unique_ptr<Pad2DKernel> make(const Pad2DProblem& problem);

}  // namespace saccade::kernels::copy
