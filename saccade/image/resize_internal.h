#pragma once
#include <cstdint>

#include "saccade/base/integer.h"

/// The two inner loops of resize(), vectorised; whole numbers, so that every processor gives the same.
namespace saccade::resize_internal {

// 8 bits of pixel, 22 of weight, and 2 to spare for the sign and for sums above one (lanczos and bicubic overshoot).
inline constexpr int kWeightBits = 22;
inline constexpr std::int32_t kOneHalf = 1 << (kWeightBits - 1);

/// The pixels first .. first+count-1 of the source, weighed with weights[0 .. count-1], make one pixel of the result.
struct Run {
  Index first;
  Index count;
  const std::int32_t* weights;
};

/// One row of `width` pixels with 3 or 4 channels, from runs[0 .. width-1], all of one count. One byte beyond the last source
/// pixel is read.
void resize_row(const std::uint8_t* src, std::uint8_t* dst, const Run* runs, Index width, Index channels);

/// One row of `bytes` values from the rows of a run, `stride` bytes apart, the first at src.
void resize_column(const std::uint8_t* src, Index stride, const Run& run, std::uint8_t* dst, Index bytes);

}  // namespace saccade::resize_internal
