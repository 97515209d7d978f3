#pragma once
#include "saccade/kernels/update/update.h"

namespace saccade::kernels::highway {

/// One slice by the widest vectors of this machine (AVX-512, AVX2, SSE4, NEON, ..., chosen at the first call), bit for bit
/// as the reference.
void update_slice(UpdateRule rule, const UpdateNumbers& numbers, const UpdateSlice& slice);

}  // namespace saccade::kernels::highway
