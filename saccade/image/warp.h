#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "saccade/tensor/shape.h"

namespace saccade {

/// What lies outside a picture; Keras's `fill_mode`. Along an axis of n pixels a b c d, with m = n - 1:
enum class FillMode : std::uint8_t {
  constant,  ///< k k k k | a b c d | k k k k with k = cval, from the first coordinate below 0 or above m: never blended
  nearest,   ///< a a a a | a b c d | d d d d
  reflect,   ///< d c b a | a b c d | d c b a
  wrap,      ///< b c d.. | a b c d | b c d ..: period m, as SciPy's (and so Keras's) `wrap` does whatever it says
  grid_wrap,  ///< a b c d | a b c d | a b c d: period n, which `wrap` promises
};
inline constexpr std::array kFillModes{FillMode::constant, FillMode::nearest, FillMode::reflect, FillMode::wrap,
                                       FillMode::grid_wrap};

std::string_view name_of(FillMode mode) noexcept;  ///< "grid-wrap"
/// The mode of that name. Throws ValueError listing the names.
FillMode fill_mode_named(std::string_view name);

/// Where a pixel of the result comes from, in pixels from the centre of the top left pixel:
///   source_row    = row_from_row * row + row_from_column * column + row_offset
///   source_column = column_from_row * row + column_from_column * column + column_offset
struct AffineMap {
  double row_from_row = 1.0;
  double row_from_column = 0.0;
  double row_offset = 0.0;
  double column_from_row = 0.0;
  double column_from_column = 1.0;
  double column_offset = 0.0;

  friend bool operator==(const AffineMap&, const AffineMap&) = default;
};

struct WarpOptions {
  FillMode fill_mode = FillMode::nearest;
  float cval = 0.0F;             ///< The value outside, for FillMode::constant.
  int interpolation_order = 1;   ///< 0 nearest pixel, 1 bilinear, 2 to 5 B-splines of that degree.
  bool flip_horizontal = false;  ///< Mirrors the result left to right, after the map.
  bool flip_vertical = false;    ///< Mirrors the result top to bottom, after the map.
};

/// Largest picture that warp() takes, in values.
inline constexpr Index kMaxWarpElements = Index{1} << 30;

/// Moves a picture by an affine map: each pixel of the result is read at its place in the source, channel by channel.
///   order 0   src[floor(y + 1/2), floor(x + 1/2)]
///   order 1   (1-fy)(1-fx) src[j,i] + (1-fy) fx src[j,i+1] + fy (1-fx) src[j+1,i] + fy fx src[j+1,i+1],
///             j = floor(y), fy = y - j, i and fx likewise
///   order 2+  the B-spline through all pixels: prefilter, then 3 to 6 taps an axis
/// with (y, x) the source coordinates, brought into the picture by fill_mode. Coordinates and weights are double, the sum is
/// rounded to float once: the same bits on every processor that fuses multiplication and addition. Agrees with
/// scipy.ndimage.affine_transform (SciPy 1.10): orders 0 and 1 to one unit in the last place, higher ones to 1e-6 of the range
/// of values (with `nearest`, 5e-5 of it from 12 pixels outside on).
///
/// `image`, [height, width, channels], is replaced by the result. Runs on the calling thread, and allocates only when a
/// picture is larger than any this thread has seen: 4 bytes a value, from order 2 on 12.
/// Throws ShapeError when hwc is not of rank 3 or the span has another length, ValueError for an order outside 0..5, a map
/// that is not finite, or a picture of more than kMaxWarpElements.
void warp(const Shape& hwc, std::span<float> image, const AffineMap& map, const WarpOptions& options = {});

/// The two mirrorings alone, in place; exact.
void flip(const Shape& hwc, std::span<float> image, bool horizontal, bool vertical);

}  // namespace saccade
