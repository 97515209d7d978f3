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
/// points of |A^T| (|G| 1) (|B^T| 1), 48 for the last pixel of a tile of 4, over the 3 taps of the definition. For tiles of 2
/// with 5 taps, as convolution and pooling has them, it is 58 over 5, and less for all others.
inline constexpr double kWinogradGrowth = (48.0 / 3.0) * (48.0 / 3.0);

std::string decline_winograd(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_winograd(const Conv2DProblem& problem);

/// How many tiles are worked on together, as measured. Where there are many, or the filter is small, each thread takes chunks of
/// its own through all steps, within its second cache; else all threads take one step of a chunk after the other.
struct WinogradChunks {
  Index own_bytes = 800'000;           ///< Transformed tiles of a chunk of one thread,
  Index shared_bytes = 4 << 20;        ///< and of a chunk of all.
  Index least_own = 8;                 ///< Fewer chunks are shared (forward, backward_data),
  Index own_filter_bytes = 1'000'000;  ///< unless the transformed filter is no larger.
  Index blocked_bytes = 16 << 20;  ///< Where all tiles are no larger and shared, the filter is transformed in blocks,
  Index filter_block_bytes = 5 << 20;  ///< of this size, which never leave the caches.
  Index least_summed_tiles = 96;       ///< Pay for reading and writing the sums of backward_weights once more.
  Index own_sums_bytes = 640'000;  ///< Sums so small stay in the second cache: groups of chunks have sums of their own.
  Index most_groups = 8;
};

/// With other chunks than the default's, for the tests. Forward and backward_data give the same bits with any.
std::unique_ptr<Conv2DKernel> make_winograd(const Conv2DProblem& problem, const WinogradChunks& chunks);

}  // namespace saccade::kernels
