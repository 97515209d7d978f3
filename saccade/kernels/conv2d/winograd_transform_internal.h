#pragma once
#include <span>

#include "saccade/base/integer.h"

/// The transforms of Winograd's minimal filtering, F(m x m, 3 x 3) for m = 2 and 4, on tiles of NHWC images.
///
/// A tile of P x P pixels of c channels becomes Q x Q slices: out[q * Q + r][tile][c], so that what follows is one product
/// of matrices a slice. The interpolation points are 0, 1, -1 (and 2, -2 for m = 4) and infinity. With the points' norms
/// N = 1, 2, 2, 1 (4, -6, -6, 24, 24, 1):
///
///   Y = A^T ((G g G^T / (N N^T)) . (B^T d B)) A
///
/// for a tile d of the source, a filter g and a tile Y of the result; G and A without fractions. The gradient of the filter
/// takes the same B^T d B, and the matrices of F(3 x 3, m x m) for the gradient's tile and the sum. Source: Lavin and Gray,
/// "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308.
namespace saccade::kernels::winograd {

/// Side of a transformed tile: m + 2.
constexpr Index side(Index m) noexcept { return m + 2; }
/// Slices of a transformed tile.
constexpr Index slices(Index m) noexcept { return side(m) * side(m); }

/// The tiles that cover a batch of images [n,h,w,c]: rows x columns of them in each image, m pixels apart in both
/// directions, the first one's corner at (y, x), which may lie outside.
struct Tiles {
  Index m;
  Index h, w, c;
  Index rows, columns;
  Index y, x;

  Index per_image() const { return rows * columns; }
};

/// out[slice][tile - first][c] of `count` tiles, B^T d B with d of side m + 2; what lies outside the image is 0. `zeros` has c
/// zeros. Slices are slice_stride floats apart. c is a multiple of 16, here and below.
void transform_source(const Tiles& tiles, const float* images, const float* zeros, Index first, Index count, float* out,
                      Index slice_stride);

/// The same for tiles of side m of the gradient of the result: G' d G'^T with the matrix of F(3 x 3, m x m), undivided.
void transform_gradient(const Tiles& tiles, const float* images, const float* zeros, Index first, Index count,
                        float* out, Index slice_stride);

/// images = A^T M A + bias (none when null), and max(., 0) with `relu`, for tiles of side m; pixels outside are not written.
void transform_result(const Tiles& tiles, const float* in, Index slice_stride, Index first, Index count,
                      const float* bias, bool relu, float* images);

/// Filters [3,3,from,to] become out[slice][row][panel columns], panel by panel of `to` as a product's b wants them: column j
/// of panel p is to = p * width + j. `backward`: the filters are [3,3,to,from], and are turned by 180 degrees.
struct FilterLayout {
  Index from, to, width;
  Index first, rows;  ///< The rows of out are first .. first + rows of `from`.
  bool backward;
};
/// Rows begin .. end of `from`, multiples of 16.
void transform_filter(Index m, const FilterLayout& layout, const float* filter, Index begin, Index end, float* out,
                      Index slice_stride);

/// Elements begin .. end (multiples of 16) of grad_filter [3,3,elements] from the slices of its transform, [slice][elements].
void transform_filter_gradient(Index m, const float* in, Index slice_stride, Index begin, Index end, Index elements,
                               float* grad_filter);

/// sums[c] += sum over rows of in[row][c]: the slice of point (1, 1) of transform_gradient holds each tile's sum.
void add_rows(const float* in, Index rows, Index c, float* sums);

}  // namespace saccade::kernels::winograd
