#pragma once
#include "saccade/kernels/update/update.h"

namespace saccade::kernels::simd {

/// One slice by the widest vectors of this machine, bit for bit as the reference.
void update_slice(UpdateRule rule, const UpdateNumbers& numbers, const UpdateSlice& slice);

}  // namespace saccade::kernels::simd
