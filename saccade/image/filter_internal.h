#pragma once
#include "saccade/image/filter.h"

namespace saccade::filter_internal {

/// Throws ValueError unless the kernel is one: odd sides, as many weights as they say, all finite.
void check_kernel(const FilterKernel& kernel);

/// The pixel of a row of n that stands at place i; -1 where none does (Border::constant).
Index border_index(Index i, Index n, Border border);

}  // namespace saccade::filter_internal
