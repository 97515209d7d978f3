// What both ways to compute windows by Winograd's minimal filtering share. Included once for every target, inside Highway's
// foreach_target.h.
#if defined(SACCADE_KERNELS_CONV_POOL2D_WINOGRAD_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_CONV_POOL2D_WINOGRAD_INTERNAL_H
#undef SACCADE_KERNELS_CONV_POOL2D_WINOGRAD_INTERNAL_H
#else
#define SACCADE_KERNELS_CONV_POOL2D_WINOGRAD_INTERNAL_H
#endif

#include "saccade/kernels/conv2d/winograd_matrices_internal.h"
#include "saccade/kernels/conv_pool2d/tiles_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// op(KnownNumber<points>) for a filter of `side` rows, 3 or 5.
template <class Op>
HWY_INLINE void WithPoints(Index side, const Op& op) {
  if (side == 3) return op(KnownNumber<4>());
  op(KnownNumber<6>());
}

/// results[column][row] of a window, from its two columns at each point.
template <Index points, class D>
HWY_INLINE void FromHalves(D d, const float (&halves)[2][usize(points)][hn::MaxLanes(D())],
                           hn::Vec<D> (&results)[2][2]) {
  HWY_UNROLL(2)
  for (int side = 0; side < 2; ++side) {
    hn::Vec<D> column[usize(points)];
    HWY_UNROLL(6)
    for (Index q = 0; q < points; ++q) column[q] = hn::Load(d, halves[side][q]);
    ResultMatrix<2, points>::Apply(column, results[side]);
  }
}

/// The rows of an image from `rows` on, of `row` floats each, transformed downwards: to [points, row].
template <Index points>
HWY_INLINE void TransformDown(const float* HWY_RESTRICT rows, Index row, float* HWY_RESTRICT to) {
  const FloatTag d;
  for (Index i = 0; i < row; i += static_cast<Index>(hn::Lanes(d))) {
    FloatVector column[usize(points)], transformed[usize(points)];
    const float* from = rows + i;
    HWY_UNROLL(6)
    for (FloatVector& pixels : column) {
      pixels = hn::Load(d, from);
      from = Base(from + row);
    }
    SourceMatrix<points>::Apply(column, transformed);
    float* into = to + i;
    HWY_UNROLL(6)
    for (const FloatVector& pixels : transformed) {
      hn::Store(pixels, d, into);
      into = Base(into + row);
    }
  }
}

/// Calls op(y) for each row of windows, first .. last-1, when columns[(y - first) % 2] holds the rows under it, transformed
/// downwards. `rows` begins under row `first`.
template <Index points, class Op>
HWY_INLINE void ForTransformedRows(const float* rows, Index row, float* const (&columns)[2], Index first, Index last,
                                   const Op& op) {
  TransformDown<points>(rows, row, columns[0]);
  for (Index y = first; y < last; ++y) {
    const Index next = y + 1 - first;
    // Some time before it is read: vectors that reach over two stores must wait until both are in the cache.
    if (y + 1 < last) TransformDown<points>(rows + 2 * next * row, row, columns[next % 2]);
    op(y);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
