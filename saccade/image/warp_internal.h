#pragma once
#include <cstdint>
#include <span>

#include "saccade/image/warp.h"

/// What the parts of warp() share.
namespace saccade::warp_internal {

/// A picture with one more column and row, so that the neighbours of every pixel lie beside it: they repeat the last ones,
/// or the first ones where the picture goes round. Four more values follow, for loads of whole vectors.
struct Padded {
  const float* values = nullptr;
  Index height = 0;  ///< Without the padding.
  Index width = 0;
  Index channels = 0;

  Index stride() const noexcept { return (width + 1) * channels; }
};
inline constexpr Index kTail = 4;

/// Where the pixels of one row come from. Each array has kPlanRoom more elements than the row has pixels.
struct PixelPlan {
  std::array<double*, 4> weight;  ///< Of the pixel, its right, its lower and its lower right neighbour.
  std::int32_t* offset;           ///< Of the pixel's first value in Padded; negative outside, for FillMode::constant.
};
inline constexpr Index kPlanRoom = 16;

/// Orders 0 and 1, vectorised. All rows of the result but the last go to dst, that one to `last_row`, which has kTail values
/// of room after it.
void warp_linear(const Padded& src, const AffineMap& map, const WarpOptions& options, const PixelPlan& plan, float* dst,
                 float* last_row);

/// Coordinates brought into an axis of n pixels, between -1 and n; for FillMode::constant they stay where they are.
void bring_in(FillMode mode, Index n, std::span<double> coordinates);

/// Orders 2 to 5, one channel at a time.
void warp_spline(const Padded& src, const AffineMap& map, const WarpOptions& options, std::span<float> dst);

}  // namespace saccade::warp_internal
