#pragma once
#include <memory>

#include "saccade/kernels/axis_map/axis_map.h"

namespace saccade::kernels::rows {

/// Rows of `inner` numbers, in parallel: outputs that copy consecutive inputs are one memcpy, others are summed up in
/// double, 64 numbers at a time.
std::unique_ptr<AxisMapKernel> make_axis_map(const AxisMapProblem& problem);

}  // namespace saccade::kernels::rows
