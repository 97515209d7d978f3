#pragma once
#include <memory>

#include "saccade/kernels/merge/merge.h"

namespace saccade::kernels::copy {

/// Whole rows by memcpy, in parallel.
std::unique_ptr<ConcatKernel> make(const ConcatProblem& problem);

}  // namespace saccade::kernels::copy
