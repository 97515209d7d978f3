#include "saccade/kernels/conv2d/winograd_transform_internal.h"
#include "saccade/kernels/simd/simd.h"
#include "saccade/kernels/simd/turn_four.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv2d/winograd_transform.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv2d/winograd_matrices_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

// After simd.h, which says what is built.
#include <hwy/cache_control.h>

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using Vec = FloatVector;

// ---- Walking over tiles ----

/// Calls op(tile, pixels) with the places of a tile's pixels, row by row; null for those outside.
template <Index kSide, class T, class Op>
HWY_INLINE void ForTiles(const winograd::Tiles& tiles, T* images, Index first, Index count, const Op& op) {
  const Index per_image = tiles.rows * tiles.columns;
  const Index image_elements = tiles.h * tiles.w * tiles.c;
  T* pixels[usize(kSide * kSide)];
  for (Index tile = first; tile < first + count; ++tile) {
    const Index image = tile / per_image, within = tile % per_image;
    const Index y0 = within / tiles.columns * tiles.m + tiles.y, x0 = within % tiles.columns * tiles.m + tiles.x;
    T* const origin = images + image * image_elements;
    for (Index y = 0; y < kSide; ++y) {
      const bool in_rows = y0 + y >= 0 && y0 + y < tiles.h;
      for (Index x = 0; x < kSide; ++x) {
        const bool inside = in_rows && x0 + x >= 0 && x0 + x < tiles.w;
        pixels[y * kSide + x] = inside ? origin + ((y0 + y) * tiles.w + x0 + x) * tiles.c : nullptr;
      }
    }
    op(tile - first, pixels);
  }
}

template <class Matrix>
HWY_INLINE void TransformTiles(const winograd::Tiles& tiles, const float* images, const float* zeros, Index first,
                               Index count, float* out, Index slice_stride) {
  constexpr Index kSide = Matrix::kFrom;
  const FloatTag d;
  const Index channels = tiles.c, lanes = static_cast<Index>(hn::Lanes(d));
  ForTiles<kSide>(tiles, images, first, count, [&](Index tile, const float** pixels) HWY_ATTR {
    for (Index i = 0; i < kSide * kSide; ++i) {
      if (pixels[i] == nullptr) pixels[i] = zeros;
    }
    float* const to = out + tile * channels;
    for (Index c = 0; c < channels; c += lanes) {
      TransformSquare<Matrix>([&](Index y, Index x) HWY_ATTR { return hn::LoadU(d, pixels[y * kSide + x] + c); },
                              [&](Index q, Index r, Vec v)
                                  HWY_ATTR { hn::StoreU(v, d, to + (q * Matrix::kTo + r) * slice_stride + c); });
    }
  });
}

template <Index m>
HWY_INLINE void ResultTiles(const winograd::Tiles& tiles, const float* in, Index slice_stride, Index first, Index count,
                            const float* bias, bool relu, float* images) {
  constexpr Index kSide = m + 2;
  const FloatTag d;
  const Vec zero = hn::Zero(d);
  const Index channels = tiles.c, lanes = static_cast<Index>(hn::Lanes(d));
  ForTiles<m>(tiles, images, first, count, [&](Index tile, float** pixels) HWY_ATTR {
    const float* const from = in + tile * channels;
    for (Index c = 0; c < channels; c += lanes) {
      const Vec offset = bias == nullptr ? zero : hn::LoadU(d, bias + c);
      TransformSquare<ResultMatrix<m, kSide>>(
          [&](Index q, Index r) HWY_ATTR { return hn::LoadU(d, from + (q * kSide + r) * slice_stride + c); },
          [&](Index y, Index x, Vec v) HWY_ATTR {
            float* const pixel = pixels[y * m + x];
            if (pixel == nullptr) return;
            v = hn::Add(v, offset);
            if (relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);  // NaN stays
            hn::StoreU(v, d, pixel + c);
          });
    }
  });
}

/// Norms are whole fractions of this, up to powers of two: what is multiplied by the quotient, and divided by this once, is
/// exact wherever it can be, and takes a quarter of the divisions.
template <Index m>
constexpr float kCommonNorm = m == 2 ? 1.0F : 9.0F;

template <Index m>
HWY_INLINE Vec TimesNormQuotient(Index q, Index r, Vec v) {
  return Times(kCommonNorm<m> / (Norm<m + 2>(q) * Norm<m + 2>(r)), v);
}
template <Index m>
HWY_INLINE Vec OverCommonNorm(Vec v) {
  return m == 2 ? v : hn::Div(v, hn::Set(FloatTag(), kCommonNorm<m>));
}

/// One vector of filters, whose tap k is at taps + k * stride.
template <Index m>
HWY_INLINE void FilterVector(const float* taps, Index stride, float* out, Index slice_stride) {
  const FloatTag d;
  TransformSquare<FilterMatrix<m, 3>>(
      [&](Index y, Index x) HWY_ATTR { return OverCommonNorm<m>(hn::LoadU(d, taps + (y * 3 + x) * stride)); },
      [&](Index q, Index r, Vec v)
          HWY_ATTR { hn::StoreU(TimesNormQuotient<m>(q, r, v), d, out + (q * (m + 2) + r) * slice_stride); });
}

/// to[column][row] = from[row][column] of 16 x 16, whose rows are `stride` apart in `from`.
HWY_INLINE void ExchangeBlock(const float* from, Index stride, float* to) {
  constexpr Index kBlock = simd::kMostLanes;
  for (Index row = 0; row < kBlock; row += 4) {
    for (Index column = 0; column < kBlock; column += 4) {
      simd::turn_four(from + row * stride + column, stride, to + column * kBlock + row, kBlock);
    }
  }
}

template <Index m>
HWY_INLINE void Filters(const winograd::FilterLayout& layout, const float* filter, Index begin, Index end, float* out,
                        Index slice_stride) {
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  const Index elements = layout.from * layout.to;
  const auto place = [&](Index from, Index to) HWY_ATTR {
    const Index panel = to / layout.width * layout.width;
    const Index width = layout.to - panel < layout.width ? layout.to - panel : layout.width;
    return out + panel * layout.rows + (from - layout.first) * width + (to - panel);
  };
  if (!layout.backward) {
    for (Index from = begin; from < end; ++from) {
      for (Index to = 0; to < layout.to; to += lanes) {
        FilterVector<m>(filter + from * layout.to + to, elements, place(from, to), slice_stride);
      }
    }
    return;
  }
  // A block of filters at a time, turned and with its channels exchanged.
  constexpr Index kBlock = simd::kMostLanes, kTap = kBlock * kBlock;
  float turned[9 * kTap];
  for (Index to = 0; to < layout.to; to += kBlock) {
    for (Index from = begin; from < end; from += kBlock) {
      for (Index tap = 0; tap < 9; ++tap) {
        const float* const block = filter + tap * elements + to * layout.from + from;
        if (to + kBlock < layout.to) {  // fetch the next one meanwhile
          for (Index row = kBlock; row < 2 * kBlock; ++row) hwy::Prefetch(block + row * layout.from);
        }
        ExchangeBlock(block, layout.from, turned + (8 - tap) * kTap);
      }
      for (Index f = 0; f < kBlock; ++f) {
        for (Index t = 0; t < kBlock; t += lanes) {
          FilterVector<m>(turned + f * kBlock + t, kTap, place(from + f, to + t), slice_stride);
        }
      }
    }
  }
}

template <Index m>
HWY_INLINE void FilterGradients(const float* in, Index slice_stride, Index begin, Index end, Index elements,
                                float* grad_filter) {
  const FloatTag d;
  for (Index i = begin; i < end; i += static_cast<Index>(hn::Lanes(d))) {
    TransformSquare<ResultMatrix<3, m + 2>>(
        [&](Index q, Index r)
            HWY_ATTR { return TimesNormQuotient<m>(q, r, hn::LoadU(d, in + (q * (m + 2) + r) * slice_stride + i)); },
        [&](Index y, Index x, Vec v)
            HWY_ATTR { hn::StoreU(OverCommonNorm<m>(v), d, grad_filter + (y * 3 + x) * elements + i); });
  }
}

// ---- By the size of tiles ----

void TransformSource(const winograd::Tiles& tiles, const float* images, const float* zeros, Index first, Index count,
                     float* out, Index slice_stride) {
  if (tiles.m == 2) {
    TransformTiles<SourceMatrix<4>>(tiles, images, zeros, first, count, out, slice_stride);
  } else {
    TransformTiles<SourceMatrix<6>>(tiles, images, zeros, first, count, out, slice_stride);
  }
}

void TransformGradient(const winograd::Tiles& tiles, const float* images, const float* zeros, Index first, Index count,
                       float* out, Index slice_stride) {
  if (tiles.m == 2) {
    TransformTiles<FilterMatrix<3, 2>>(tiles, images, zeros, first, count, out, slice_stride);
  } else {
    TransformTiles<FilterMatrix<3, 4>>(tiles, images, zeros, first, count, out, slice_stride);
  }
}

void TransformResult(const winograd::Tiles& tiles, const float* in, Index slice_stride, Index first, Index count,
                     const float* bias, bool relu, float* images) {
  if (tiles.m == 2) {
    ResultTiles<2>(tiles, in, slice_stride, first, count, bias, relu, images);
  } else {
    ResultTiles<4>(tiles, in, slice_stride, first, count, bias, relu, images);
  }
}

void TransformFilter(Index m, const winograd::FilterLayout& layout, const float* filter, Index begin, Index end,
                     float* out, Index slice_stride) {
  if (m == 2) {
    Filters<2>(layout, filter, begin, end, out, slice_stride);
  } else {
    Filters<4>(layout, filter, begin, end, out, slice_stride);
  }
}

void TransformFilterGradient(Index m, const float* in, Index slice_stride, Index begin, Index end, Index elements,
                             float* grad_filter) {
  if (m == 2) {
    FilterGradients<2>(in, slice_stride, begin, end, elements, grad_filter);
  } else {
    FilterGradients<4>(in, slice_stride, begin, end, elements, grad_filter);
  }
}

void AddRows(const float* in, Index rows, Index c, float* sums) {
  const FloatTag d;
  for (Index column = 0; column < c; column += static_cast<Index>(hn::Lanes(d))) {
    Vec sum = hn::LoadU(d, sums + column);
    for (Index row = 0; row < rows; ++row) sum = hn::Add(sum, hn::LoadU(d, in + row * c + column));
    hn::StoreU(sum, d, sums + column);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(TransformSource);
HWY_EXPORT(TransformGradient);
HWY_EXPORT(TransformResult);
HWY_EXPORT(TransformFilter);
HWY_EXPORT(TransformFilterGradient);
HWY_EXPORT(AddRows);
}  // namespace saccade::kernels

namespace saccade::kernels::winograd {

void transform_source(const Tiles& tiles, const float* images, const float* zeros, Index first, Index count, float* out,
                      Index slice_stride) {
  HWY_DYNAMIC_DISPATCH(TransformSource)(tiles, images, zeros, first, count, out, slice_stride);
}

void transform_gradient(const Tiles& tiles, const float* images, const float* zeros, Index first, Index count,
                        float* out, Index slice_stride) {
  HWY_DYNAMIC_DISPATCH(TransformGradient)(tiles, images, zeros, first, count, out, slice_stride);
}

void transform_result(const Tiles& tiles, const float* in, Index slice_stride, Index first, Index count,
                      const float* bias, bool relu, float* images) {
  HWY_DYNAMIC_DISPATCH(TransformResult)(tiles, in, slice_stride, first, count, bias, relu, images);
}

void transform_filter(Index m, const FilterLayout& layout, const float* filter, Index begin, Index end, float* out,
                      Index slice_stride) {
  HWY_DYNAMIC_DISPATCH(TransformFilter)(m, layout, filter, begin, end, out, slice_stride);
}

void transform_filter_gradient(Index m, const float* in, Index slice_stride, Index begin, Index end, Index elements,
                               float* grad_filter) {
  HWY_DYNAMIC_DISPATCH(TransformFilterGradient)(m, in, slice_stride, begin, end, elements, grad_filter);
}

void add_rows(const float* in, Index rows, Index c, float* sums) { HWY_DYNAMIC_DISPATCH(AddRows)(in, rows, c, sums); }

}  // namespace saccade::kernels::winograd
#endif
