#pragma once
#include <span>

#include "saccade/tensor/shape.h"

namespace saccade {

/// Moves a picture by whole pixels; what is uncovered becomes `fill`, what leaves the frame is lost.
///   dst[y,x,c] = src[y - down, x - right, c]   where that lies inside the picture, else fill
/// src and dst: hwc = [height, width, channels], dense; dst is written whole and must not overlap src. Negative shifts go
/// up and left; any size is allowed. Throws ShapeError when hwc is not of rank 3 or a span has another length, and
/// ValueError when the spans overlap.
void translate(std::span<const float> src, const Shape& hwc, Index down, Index right, std::span<float> dst,
               float fill = 0.0F);

}  // namespace saccade
