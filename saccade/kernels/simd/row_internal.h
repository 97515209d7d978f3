// Reductions of one row, for softmax and its loss. Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_SIMD_ROW_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_SIMD_ROW_INTERNAL_H
#undef SACCADE_KERNELS_SIMD_ROW_INTERNAL_H
#else
#define SACCADE_KERNELS_SIMD_ROW_INTERNAL_H
#endif

#include <limits>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// The largest of `count` floats, any of them when one is NaN; `room` floats may be read.
HWY_INLINE float RowMax(const float* row, std::size_t count, std::size_t room) {
  const FloatTag d;
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  FloatVector largest = hn::Set(d, kLowest);
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    largest = hn::Max(largest, LoadPart(row + i, count - i, room - i, kLowest));
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
