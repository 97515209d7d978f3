#pragma once
#include <memory>

#include "saccade/kernels/arithmetic/arithmetic.h"

namespace saccade::kernels::rows {

/// Neighbouring axes along which the same array is repeated count as one; rows of the innermost are plain loops that
/// compilers turn into vectors, in parallel. Gradients of repeated arrays are summed up in double, in one fixed order.
std::unique_ptr<ArithmeticKernel> make_arithmetic(const ArithmeticProblem& problem);

}  // namespace saccade::kernels::rows
