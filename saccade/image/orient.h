#pragma once
#include "saccade/image/image.h"

namespace saccade {

/// The picture as it should be seen, given the EXIF tag 0x0112 (Orientation) of its file. With H x W the stored size:
///   1  y[r,c] = x[r, c]          as stored        5  y[r,c] = x[c, r]          transposed, W x H
///   2  y[r,c] = x[r, W-1-c]      mirrored         6  y[r,c] = x[H-1-c, r]      turned clockwise, W x H
///   3  y[r,c] = x[H-1-r, W-1-c]  upside down      7  y[r,c] = x[H-1-c, W-1-r]  transposed the other way, W x H
///   4  y[r,c] = x[H-1-r, c]      flipped          8  y[r,c] = x[c, W-1-r]      turned anticlockwise, W x H
/// Throws ValueError for any other number. Source: CIPA DC-008 (Exif 2.32), section 4.6.4.
Tensor orient(Tensor image, int exif_orientation);

}  // namespace saccade
