#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels {

/// Winograd's minimal filtering for 3 x 3 filters with stride 1: 2.25 to 4 times fewer multiplications than the sum of the
/// definition. Tiles of 4 x 4 pixels of the result, or of 2 x 2 where those would reach too far over the edge; in each of
/// the three passes a transform of the tiles, one product of matrices a point, and a transform back.
///
/// Rounding errors are larger than the definition's: about 1e-6 (forward and backward_data) and 3e-6 (backward_weights) of
/// the results' root mean square, 4e-5 at worst, where the definition's float32 sums have about 2e-7. Tile by tile: one NaN
/// or infinity in the source makes the whole tile NaN.
///
/// Bound: with all elements of one operand at most D, of the other at most G, a result of s products differs from the exact one
/// by at most s * 2^-23 * kWinogradGrowth * (the largest sum of D * G). The growth is the square of the largest sum over the
/// points of |A^T| (|G| 1) (|B^T| 1), 48 for the last pixel of a tile of 4, over the 3 taps of the definition.
inline constexpr double kWinogradGrowth = (48.0 / 3.0) * (48.0 / 3.0);

std::string decline_winograd(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_winograd(const Conv2DProblem& problem);

}  // namespace saccade::kernels
