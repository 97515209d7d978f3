#pragma once
#include "saccade/image/filter.h"

namespace saccade::filter_internal {

/// Throws ValueError unless the kernel is one: odd sides, as many weights as they say, all finite.
void check_kernel(const FilterKernel& kernel);

}  // namespace saccade::filter_internal
