// One row of a depthwise convolution three taps wide. Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_CONV2D_DEPTHWISE_ROW_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_CONV2D_DEPTHWISE_ROW_INTERNAL_H
#undef SACCADE_KERNELS_CONV2D_DEPTHWISE_ROW_INTERNAL_H
#else
#define SACCADE_KERNELS_CONV2D_DEPTHWISE_ROW_INTERNAL_H
#endif

#include "saccade/kernels/conv2d/depthwise_row.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Bounds in vectors.
struct BoundVectors {
  FloatVector low, high;
};
HWY_INLINE BoundVectors VectorsOf(const Bounds& bounds) {
  return {hn::Set(FloatTag(), bounds.low), hn::Set(FloatTag(), bounds.high)};
}

/// min(max(x, low), high), NaN stays NaN: comparisons, because minimum and maximum lose it.
HWY_INLINE void StoreBetween(FloatVector x, const BoundVectors& b, float* to) {
  const FloatVector y = hn::IfThenElse(hn::Gt(x, b.high), b.high, hn::IfThenElse(hn::Lt(x, b.low), b.low, x));
  hn::StoreU(y, FloatTag(), to);
}

/// kPixels neighbouring pixels whose taps all exist, for the vector of channels that src, weight and dst point at. Each
/// pixel of src is loaded once for all that it takes part in.
template <Index kStride, std::size_t kPixels>
HWY_INLINE void WholePixels(const DepthwiseRow& r, const float* src, const float* weight, FloatVector bias,
                            const BoundVectors& bounds, float* dst) {
  const FloatTag d;
  FloatVector sum[kPixels];
#pragma GCC unroll 8
  for (std::size_t x = 0; x < kPixels; ++x) sum[x] = bias;
  for (Index row = 0; row < r.rows; ++row) {
    FloatVector w[kDepthwiseTaps];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kDepthwiseTaps; ++k) {
      w[k] = hn::LoadU(d, weight + static_cast<Index>(k) * r.weight_step);
    }
#pragma GCC unroll 32
    for (std::size_t i = 0; i < (kPixels - 1) * kStride + kDepthwiseTaps; ++i) {
      const FloatVector v = hn::LoadU(d, src + static_cast<Index>(i) * r.src_step);
#pragma GCC unroll 8
      for (std::size_t x = 0; x < kPixels; ++x) {
        if (i >= x * kStride && i < x * kStride + kDepthwiseTaps) sum[x] = hn::MulAdd(w[i - x * kStride], v, sum[x]);
      }
    }
    weight += static_cast<Index>(kDepthwiseTaps) * r.weight_step;
    src += r.row_stride;
  }
#pragma GCC unroll 8
  for (std::size_t x = 0; x < kPixels; ++x) {
    StoreBetween(sum[x], bounds, dst + static_cast<Index>(x) * r.dst_step);
  }
}

/// Pixel x of a vector of channels with the taps that exist, in the same order.
HWY_INLINE void OnePixel(const DepthwiseRow& r, Index x, Index channel, FloatVector bias, const BoundVectors& bounds) {
  const FloatTag d;
  FloatVector sum = bias;
  for (Index row = 0; row < r.rows; ++row) {
    for (Index k = 0; k < static_cast<Index>(kDepthwiseTaps); ++k) {
      const Index column = x * r.sw + k - r.pad;
      if (column < 0 || column >= r.iw) continue;
      const Index tap = row * static_cast<Index>(kDepthwiseTaps) + k;
      const FloatVector w = hn::LoadU(d, r.weight + tap * r.weight_step + channel);
      sum = hn::MulAdd(w, hn::LoadU(d, r.src + row * r.row_stride + column * r.src_step + channel), sum);
    }
  }
  StoreBetween(sum, bounds, r.dst + x * r.dst_step + channel);
}

/// Calls op(channel) for vectors that cover all channels. The last one goes back as far as it must to be whole: what is
/// written twice is the same.
template <class Op>
HWY_INLINE void EachVector(Index channels, Op&& op) {
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  Index first = 0;
  for (; first + lanes <= channels; first += lanes) op(first);
  if (first < channels) op(channels - lanes);
}

template <Index kStride>
void ComputeStridedRow(const DepthwiseRow& r) {
  const FloatTag d;
  const BoundVectors bounds = VectorsOf(r.bounds);
  const auto bias_at = [&](Index channel)
                           HWY_ATTR { return r.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, r.bias + channel); };
  const auto one = [&](Index x) HWY_ATTR {
    EachVector(r.channels, [&](Index channel) HWY_ATTR { OnePixel(r, x, channel, bias_at(channel), bounds); });
  };
  for (Index x = 0; x < r.whole.first; ++x) one(x);
  const auto whole = [&]<std::size_t kPixels>(Index x) HWY_ATTR {
    EachVector(r.channels, [&](Index channel) HWY_ATTR {
      WholePixels<kStride, kPixels>(r, r.src + (x * r.sw - r.pad) * r.src_step + channel, r.weight + channel,
                                    bias_at(channel), bounds, r.dst + x * r.dst_step + channel);
    });
  };
  Index x = r.whole.first;
  for (; x + 8 <= r.whole.last; x += 8) whole.template operator()<8>(x);
  for (; x + 4 <= r.whole.last; x += 4) whole.template operator()<4>(x);
  for (; x < r.whole.last; ++x) whole.template operator()<1>(x);
  for (; x < r.ow; ++x) one(x);
}

HWY_INLINE void ComputeRow(const DepthwiseRow& r) { r.sw == 1 ? ComputeStridedRow<1>(r) : ComputeStridedRow<2>(r); }

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
