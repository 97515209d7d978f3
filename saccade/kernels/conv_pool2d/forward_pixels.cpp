#include <memory>

#include "saccade/kernels/conv_pool2d/windows.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/forward_pixels.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv_pool2d/windows_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Output channels whose sums, four a window, the registers hold.
constexpr int kMostChannels = kRegisters / 4 < 6 ? kRegisters / 4 : 6;

Index LanesOfPixels() { return kPixelLanes; }

/// For each block of channels [kh, kw, ic, channels].
void PackPixels(const ConvPoolGeometry& g, const float* weight, float* to) {
  ForBlocks<kMostChannels>(g.oc, [&](Index first, auto known_channels) {
    constexpr Index channels = decltype(known_channels)::value;
    for (Index tap = 0; tap < g.kh * g.kw * g.ic; ++tap) {
      for (Index o = first; o < first + channels; ++o) *to++ = weight[tap * g.oc + o];
    }
  });
}

/// The four sums of a vector of windows, for some channels.
template <int kChannels>
struct WindowSums {
  FloatVector upper_left[usize(kChannels)], upper_right[usize(kChannels)];
  FloatVector lower_left[usize(kChannels)], lower_right[usize(kChannels)];
};

/// Adds what a column of pixels gives to those of the sums whose filters reach it. `upper` and `lower` are the weights
/// with which a window's left pixels see it; its right ones see it with those one column, `back`, before.
template <bool kUpper, bool kLower, bool kLeft, bool kRight, int kChannels>
HWY_INLINE void AddColumn(const float* src, Index ic, Index plane, const float* upper, const float* lower, Index back,
                          WindowSums<kChannels>& sums) {
  const FloatTag d;
  const float* upper_right = Base(upper - (kRight ? back : 0));
  const float* lower_right = Base(lower - (kRight ? back : 0));
  Index i = ic;
  do {
    const auto pixels = hn::LoadU(d, src);
    const auto add = [&](const float*& weight, FloatVector(&sum)[usize(kChannels)]) HWY_ATTR {
      HWY_UNROLL(6)
      for (int o = 0; o < kChannels; ++o) sum[o] = hn::MulAdd(pixels, hn::Set(d, weight[o]), sum[o]);
      weight = Base(weight + kChannels);
    };
    if constexpr (kUpper && kLeft) add(upper, sums.upper_left);
    if constexpr (kUpper && kRight) add(upper_right, sums.upper_right);
    if constexpr (kLower && kLeft) add(lower, sums.lower_left);
    if constexpr (kLower && kRight) add(lower_right, sums.lower_right);
    src += plane;
  } while (--i != 0);
}

/// Adds what a row of the image gives: one column more than a filter has.
template <bool kUpper, bool kLower, int kChannels>
HWY_INLINE void AddRowOfPixels(const ConvPoolGeometry& g, Index plane, const float* HWY_RESTRICT src,
                               const float* HWY_RESTRICT upper, const float* HWY_RESTRICT lower,
                               WindowSums<kChannels>& sums) {
  const Index ic = g.ic, odd = ic * plane, column = ic * kChannels, last = g.kw;
  AddColumn<kUpper, kLower, true, false>(src, ic, plane, upper, lower, column, sums);
  for (Index kw = 1; kw < last; ++kw) {
    upper += column;
    lower += column;
    AddColumn<kUpper, kLower, true, true>(src + kw % 2 * odd + kw / 2, ic, plane, upper, lower, column, sums);
  }
  upper += column;
  lower += column;
  AddColumn<kUpper, kLower, false, true>(src + last % 2 * odd + last / 2, ic, plane, upper, lower, column, sums);
}

/// A vector of windows side by side, from the planes at src on.
template <int kChannels>
HWY_NOINLINE void PoolPixels(const ConvPoolGeometry& g, const PixelBand& b, const float* HWY_RESTRICT src,
                             const float* HWY_RESTRICT weight, const float* HWY_RESTRICT bias, Index channel) {
  const FloatTag d;
  WindowSums<kChannels> sums;
  HWY_UNROLL(6)
  for (int o = 0; o < kChannels; ++o) {
    sums.upper_left[o] = sums.upper_right[o] = sums.lower_left[o] = sums.lower_right[o] = hn::Set(d, bias[channel + o]);
  }
  // A row of the image is the upper windows' row kh and the lower ones' row kh - 1, but for the first and the last.
  const Index row = b.row(g.ic), filter_row = g.kw * g.ic * kChannels;
  AddRowOfPixels<true, false>(g, b.plane, src, weight, weight, sums);
  for (Index kh = 1; kh < g.kh; ++kh) {
    weight += filter_row;
    AddRowOfPixels<true, true>(g, b.plane, src + kh * row, weight, weight - filter_row, sums);
  }
  AddRowOfPixels<false, true>(g, b.plane, src + g.kh * row, weight, weight, sums);
  HWY_UNROLL(6)
  for (int o = 0; o < kChannels; ++o) {
    PoolInto(g, b, channel + o, sums.upper_left[o], sums.upper_right[o], sums.lower_left[o], sums.lower_right[o]);
  }
}

/// Pooled rows first .. last-1 of an image.
void ForwardPixels(const ConvPoolGeometry& g, const PixelBand& b, const PixelTables& tables, const float* bias,
                   const float* weight, const float* src, Index first, Index last, float* dst, std::uint8_t* taps) {
  SplitRows(g, src, 2 * first, 2 * last + g.kh - 1, b);
  for (Index y = first; y < last; ++y) {
    const float* const row = b.planes + 2 * (y - first) * b.row(g.ic);
    ForVectorsOfRow<kMostChannels>(g, b, tables, y, last, dst, taps, [&](Index x, Index o, auto channels) HWY_ATTR {
      PoolPixels<decltype(channels)::value>(g, b, row + x, weight + o * g.kh * g.kw * g.ic, bias, o);
    });
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(LanesOfPixels);
HWY_EXPORT(PackPixels);
HWY_EXPORT(ForwardPixels);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class ForwardPixels final : public WindowsForward {
 public:
  explicit ForwardPixels(const ConvPoolGeometry& g) : WindowsForward(g, g.oc * g.kh * g.kw * g.ic, 0) {}

 private:
  void pack_weights(const float* weight, float* to) const override {
    HWY_DYNAMIC_DISPATCH(PackPixels)(geometry(), weight, to);
  }
  void sum(const PixelBand& b, const PixelTables& tables, const float* bias, const float* weight, const float* src,
           Index first, Index last, float* dst, std::uint8_t* taps) const override {
    HWY_DYNAMIC_DISPATCH(ForwardPixels)(geometry(), b, tables, bias, weight, src, first, last, dst, taps);
  }
};

}  // namespace

Index lanes_of_pixels() { return HWY_DYNAMIC_DISPATCH(LanesOfPixels)(); }

std::unique_ptr<ConvPoolForward> make_forward_pixels(const ConvPoolGeometry& g) {
  return std::make_unique<ForwardPixels>(g);
}

}  // namespace saccade::kernels::simd
#endif
