#include <cstring>

#include "saccade/kernels/conv_pool2d/forward.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/forward_channels.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv_pool2d/tiles_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

constexpr int kMostColumns = kRegisters / 4;

/// Rows first .. last-1 of an image with its padding; that of other rows is there already.
HWY_INLINE void CopyImage(const ConvPoolGeometry& g, const float* src, Index first, Index last, float* image) {
  if (!g.padded) {
    std::memcpy(image, src + first * g.row, usize((last - first) * g.row) * sizeof(float));
    return;
  }
  for (Index row = first; row < last; ++row) {
    const Index y = row - g.pt;
    if (y < 0 || y >= g.ih) continue;
    std::memcpy(image + (row - first) * g.row + g.pl * g.ic, src + y * g.iw * g.ic, usize(g.iw * g.ic) * sizeof(float));
  }
}

/// bias [lanes_oc], then weights [lanes_oc / lanes, kh * kw * ic, lanes].
void PackForward(const ConvPoolGeometry& g, const float* weight, const float* bias, float* packed) {
  WithOutputVectors(g, [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    for (Index o = 0; o < g.lanes_oc; ++o) packed[o] = bias != nullptr && o < g.oc ? bias[o] : 0.0F;
    float* to = packed + g.lanes_oc;
    for (Index block = 0; block < g.lanes_oc; block += lanes) {
      for (Index tap = 0; tap < g.kh * g.kw * g.ic; ++tap) {
        for (Index o = block; o < block + lanes; ++o) *to++ = o < g.oc ? weight[tap * g.oc + o] : 0.0F;
      }
    }
  });
}

/// Adds what one row of the image gives to the sums of the pixels above and below: each number is loaded once for both.
template <bool kUpper, bool kLower, std::size_t kPixels, class D>
HWY_INLINE void AddRow(D d, const float* HWY_RESTRICT src, Index step, Index taps, const float* HWY_RESTRICT for_upper,
                       const float* HWY_RESTRICT for_lower, hn::Vec<D> (&upper)[kPixels],
                       hn::Vec<D> (&lower)[kPixels]) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  for (Index k = 0; k < taps; ++k) {
    const auto a = hn::LoadU(d, for_upper + k * lanes);
    const auto b = hn::LoadU(d, for_lower + k * lanes);
    const float* const from = Base(src + k);
    HWY_UNROLL(14)
    for (Index x = 0; x < static_cast<Index>(kPixels); ++x) {
      const auto pixel = hn::Set(d, from[x * step]);
      if constexpr (kUpper) upper[x] = hn::MulAdd(pixel, a, upper[x]);
      if constexpr (kLower) lower[x] = hn::MulAdd(pixel, b, lower[x]);
    }
  }
}

/// kColumns windows side by side, one vector of output channels. `src` is the first pixel under the first window.
template <int kColumns, class D>
HWY_NOINLINE void PoolTile(D d, const ConvPoolGeometry& g, const float* HWY_RESTRICT src,
                           const float* HWY_RESTRICT weight, hn::Vec<D> bias, TileResults to) {
  constexpr int kPixels = 2 * kColumns;
  hn::Vec<D> upper[usize(kPixels)], lower[usize(kPixels)];
  HWY_UNROLL(14)
  for (int x = 0; x < kPixels; ++x) upper[x] = lower[x] = bias;
  const Index step = g.ic;
  const Index taps = g.kw * step;
  // A row of the image is the upper windows' row kh and the lower ones' row kh - 1, but for the first and the last.
  const Index filter_row = taps * static_cast<Index>(hn::Lanes(d));
  AddRow<true, false>(d, src, step, taps, weight, weight, upper, lower);
  for (Index kh = 1; kh < g.kh; ++kh) {
    const float* const above = weight;
    weight += filter_row;
    AddRow<true, true>(d, src + kh * g.row, step, taps, weight, above, upper, lower);
  }
  AddRow<false, true>(d, src + g.kh * g.row, step, taps, weight, weight, upper, lower);
  HWY_UNROLL(7)
  for (int x = 0; x < kColumns; ++x) {
    const Pooled<D> p = PoolWindow(d, g.relu, upper[2 * x], upper[2 * x + 1], lower[2 * x], lower[2 * x + 1]);
    StoreWindow(d, g, p, x, to);
  }
}

/// Pooled rows first .. last-1 of one image, whose first pixel (padding included) under row `first` is src.
void ForwardImage(const ConvPoolGeometry& g, const float* src, const float* packed, Index first, Index last, float* dst,
                  std::uint8_t* taps) {
  WithOutputVectors(g, [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    for (Index y = first; y < last; ++y) {
      ForBlocks<kMostColumns>(g.ow, [&](Index x, auto columns) HWY_ATTR {
        const float* const window = src + 2 * (y - first) * g.row + 2 * x * g.ic;
        for (Index o = 0; o < g.oc; o += lanes) {
          const float* const weight = packed + g.lanes_oc + o * g.kh * g.kw * g.ic;
          const TileResults to = ResultsAt(g, y * g.ow + x, o, lanes, last, dst, taps);
          PoolTile<decltype(columns)::value>(d, g, window, weight, hn::LoadU(d, packed + o), to);
        }
      });
    }
  });
}

/// Copies an image into memory with padding, where there is none yet, and computes its rows first .. last-1.
void ForwardPadded(const ConvPoolGeometry& g, const float* src, const float* packed, Index first, Index last,
                   float* dst, std::uint8_t* taps, float* image) {
  if (!g.padded) return ForwardImage(g, src + 2 * first * g.row, packed, first, last, dst, taps);
  CopyImage(g, src, 2 * first, 2 * last + g.kh - 1, image);
  ForwardImage(g, image, packed, first, last, dst, taps);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(PackForward);
HWY_EXPORT(ForwardPadded);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class ForwardChannels final : public ConvPoolForward {
 public:
  explicit ForwardChannels(const ConvPoolGeometry& g) : g_(g) {}

  Index packed_floats() const override { return round_up(g_.lanes_oc * (1 + g_.kh * g_.kw * g_.ic), kMostLanes); }
  void pack(const float* weight, const float* bias, float* packed) const override {
    HWY_DYNAMIC_DISPATCH(PackForward)(g_, weight, bias, packed);
  }
  Index band_floats(Index rows) const override {
    return g_.padded ? round_up((2 * rows + g_.kh - 1) * g_.row, kMostLanes) : 0;
  }
  void run(const float* src, const float* packed, Index first, Index last, float* dst, std::uint8_t* taps,
           float* band) const override {
    HWY_DYNAMIC_DISPATCH(ForwardPadded)(g_, src, packed, first, last, dst, taps, band);
  }

 private:
  ConvPoolGeometry g_;
};

}  // namespace

std::unique_ptr<ConvPoolForward> make_forward_channels(const ConvPoolGeometry& g) {
  return std::make_unique<ForwardChannels>(g);
}

}  // namespace saccade::kernels::simd
#endif
