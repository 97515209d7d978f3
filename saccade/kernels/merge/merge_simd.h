#pragma once
#include <memory>

#include "saccade/kernels/merge/merge.h"

namespace saccade::kernels::simd {

std::unique_ptr<AddKernel> make(const AddProblem& problem);

}  // namespace saccade::kernels::simd
