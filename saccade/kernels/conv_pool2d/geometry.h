#pragma once
#include <cstdint>

#include "saccade/kernels/conv_pool2d/conv_pool2d.h"

namespace saccade::kernels::simd {

/// A ConvPool2DProblem's numbers, with those that follow from them.
struct ConvPoolGeometry {
  bool relu, keeps;
  Index ih, iw, ic, oc, kh, kw, pt, pl;
  Index oh, ow;    ///< pooled
  Index lanes_oc;  ///< output channels rounded up to eights, as what is kept of them lies
  Index rows;      ///< of an image with its padding, as far as windows reach
  Index row;       ///< floats of such a row
  bool padded;
};

ConvPoolGeometry geometry_of(const ConvPool2DProblem& problem);

/// What forward() keeps of a result is the number of the pixel that won: 0 1 above, 2 3 below. This one says that no
/// gradient passes.
inline constexpr std::uint8_t kDead = 4;

/// Floats that a vector may reach beyond the last one.
inline constexpr Index kSlack = 64;

}  // namespace saccade::kernels::simd
