#include <algorithm>
#include <cstring>

#include "saccade/kernels/conv_pool2d/forward.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/forward_pixels.cpp"
#include <hwy/foreach_target.h>

#ifndef SACCADE_KERNELS_CONV_POOL2D_FORWARD_PIXELS_ONCE
#define SACCADE_KERNELS_CONV_POOL2D_FORWARD_PIXELS_ONCE
namespace saccade::kernels::simd {

/// Working memory of a band of rows. Even and odd columns of an image lie apart, so that neighbouring windows read
/// neighbouring numbers.
struct PixelBand {
  float* planes;          ///< [rows, 2 parities, ic, plane], the image with its padding
  float* best;            ///< [lanes_oc, lanes]: the results of a vector of windows
  std::int32_t* winners;  ///< likewise
  Index plane;
};

/// Weights and biases as run() wants them, and where the results of a vector of windows go.
struct PackedPixels {
  std::int32_t* windows;   ///< [oc * lanes]: the window of each result in the order of dst
  std::int32_t* channels;  ///< and its channel
  float* bias;             ///< [oc]
  float* weight;           ///< for each block of channels [kh, kw, ic, channels]
};

}  // namespace saccade::kernels::simd
#endif

#include "saccade/kernels/conv_pool2d/tiles_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using simd::PackedPixels;
using simd::PixelBand;
constexpr auto kPixelLanes = static_cast<Index>(hn::MaxLanes(FloatTag()));
/// Output channels whose sums, four a window, the registers hold.
constexpr int kMostChannels = kRegisters / 4 < 6 ? kRegisters / 4 : 6;

/// Calls op(first channel, channels) for nearly equal blocks of output channels.
template <class Op>
HWY_INLINE void ForChannelBlocks(Index oc, const Op& op) {
  const Index blocks = (oc + kMostChannels - 1) / kMostChannels;
  const Index width = (oc + blocks - 1) / blocks;
  for (Index o = 0; o < oc; o += width) op(o, Least(width, oc - o));
}

Index LanesOfPixels() { return kPixelLanes; }

void PackPixels(const ConvPoolGeometry& g, const float* weight, const float* bias, const PackedPixels& packed) {
  for (Index i = 0; i < g.oc * kPixelLanes; ++i) {
    packed.windows[i] = static_cast<std::int32_t>(i / g.oc);
    packed.channels[i] = static_cast<std::int32_t>(i % g.oc);
  }
  for (Index o = 0; o < g.oc; ++o) packed.bias[o] = bias != nullptr ? bias[o] : 0.0F;
  float* to = packed.weight;
  ForChannelBlocks(g.oc, [&](Index first, Index channels) {
    for (Index tap = 0; tap < g.kh * g.kw * g.ic; ++tap) {
      for (Index o = first; o < first + channels; ++o) *to++ = weight[tap * g.oc + o];
    }
  });
}

/// One channel of a row, `count` pixels of `step` floats, of which the first is in column `column` of the planes.
HWY_INLINE void SplitRow(const float* HWY_RESTRICT src, Index count, Index step, Index column, float* HWY_RESTRICT even,
                         float* HWY_RESTRICT odd) {
  Index x = 0;
  const auto one = [&] {
    const Index at = column + x;
    (at % 2 == 0 ? even : odd)[at / 2] = src[x * step];
    ++x;
  };
  if (column % 2 != 0) one();
  if (step == 1) {
    const hn::CappedTag<float, 8> d;
    constexpr auto kPairs = static_cast<Index>(hn::MaxLanes(d));
    const auto pairs = [&](Index from) HWY_ATTR {
      hn::Vec<decltype(d)> left, right;
      hn::LoadInterleaved2(d, src + from, left, right);
      hn::StoreU(left, d, even + (column + from) / 2);
      hn::StoreU(right, d, odd + (column + from) / 2);
    };
    const Index first = x;
    for (; x + 2 * kPairs <= count; x += 2 * kPairs) pairs(x);
    // The rest once more with some that are done, unless there are too few.
    const Index rest = (count - x) / 2 * 2;
    if (rest > 0 && x > first) {
      x += rest;
      pairs(x - 2 * kPairs);
    }
  }
  while (x < count) one();
}

/// Rows first .. last-1 of the image with its padding, whose zeros are there already.
HWY_INLINE void SplitRows(const ConvPoolGeometry& g, const float* src, Index first, Index last, const PixelBand& b) {
  const Index odd = g.ic * b.plane;
  for (Index row = first; row < last; ++row) {
    const Index y = row - g.pt;
    if (y < 0 || y >= g.ih) continue;
    float* const to = b.planes + (row - first) * 2 * odd;
    for (Index i = 0; i < g.ic; ++i) {
      SplitRow(src + y * g.iw * g.ic + i, g.iw, g.ic, g.pl, to + i * b.plane, to + odd + i * b.plane);
    }
  }
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
  const hn::RebindToSigned<FloatTag> di;
  WindowSums<kChannels> sums;
  HWY_UNROLL(6)
  for (int o = 0; o < kChannels; ++o) {
    sums.upper_left[o] = sums.upper_right[o] = sums.lower_left[o] = sums.lower_right[o] = hn::Set(d, bias[channel + o]);
  }
  // A row of the image is the upper windows' row kh and the lower ones' row kh - 1, but for the first and the last.
  const Index row = 2 * g.ic * b.plane, filter_row = g.kw * g.ic * kChannels;
  AddRowOfPixels<true, false>(g, b.plane, src, weight, weight, sums);
  for (Index kh = 1; kh < g.kh; ++kh) {
    weight += filter_row;
    AddRowOfPixels<true, true>(g, b.plane, src + kh * row, weight, weight - filter_row, sums);
  }
  AddRowOfPixels<false, true>(g, b.plane, src + g.kh * row, weight, weight, sums);
  HWY_UNROLL(6)
  for (int o = 0; o < kChannels; ++o) {
    const auto p =
        PoolWindow(d, g.relu, sums.upper_left[o], sums.upper_right[o], sums.lower_left[o], sums.lower_right[o]);
    hn::Store(p.best, d, b.best + (channel + o) * kPixelLanes);
    hn::Store(p.winner, di, b.winners + (channel + o) * kPixelLanes);
  }
}

/// The results of `windows` windows, one after the other. `room` floats may be written. kChannels is 0 or g.oc.
template <int kChannels>
HWY_INLINE void WriteResults(const ConvPoolGeometry& g, const PixelBand& b, const PackedPixels& packed, Index windows,
                             float* HWY_RESTRICT dst, Index room) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const Index count = windows * g.oc;
  for (Index i = 0; i < count; i += kPixelLanes) {
    const auto window = hn::IndicesFromVec(d, hn::Load(di, packed.windows + i));
    const auto channel = hn::Load(di, packed.channels + i);
    auto results = hn::Zero(d);
    HWY_UNROLL(6)
    for (Index o = 0; o < (kChannels != 0 ? kChannels : g.oc); ++o) {
      const auto those = hn::RebindMask(d, hn::Eq(channel, hn::Set(di, static_cast<std::int32_t>(o))));
      const auto of_channel = hn::TableLookupLanes(hn::Load(d, b.best + o * kPixelLanes), window);
      results = hn::IfThenElse(those, of_channel, results);
    }
    // The last vector may reach into windows that are written after it.
    if (room - i >= kPixelLanes) {
      hn::StoreU(results, d, dst + i);
    } else {
      StoreFew(d, results, dst + i, room - i);
    }
  }
}

/// What is kept of their winners, a byte each.
HWY_INLINE void WriteWinners(const ConvPoolGeometry& g, const PixelBand& b, Index windows,
                             std::uint8_t* HWY_RESTRICT taps) {
  const hn::ScalableTag<std::int32_t> d;
  HWY_ALIGN std::int32_t eights[2 * kPixelLanes];
  for (Index o = 0; o < g.lanes_oc; o += 8) {
    const auto four = [&](Index first) HWY_ATTR {
      const std::int32_t* const from = b.winners + (o + first) * kPixelLanes;
      const auto channel = [&](Index i) HWY_ATTR { return hn::Load(d, from + i * kPixelLanes); };
      return hn::Or(hn::Or(channel(0), hn::ShiftLeft<8>(channel(1))),
                    hn::Or(hn::ShiftLeft<16>(channel(2)), hn::ShiftLeft<24>(channel(3))));
    };
    hn::StoreInterleaved2(four(0), four(4), d, eights);
    for (Index x = 0; x < windows; ++x) std::memcpy(taps + x * g.lanes_oc + o, eights + 2 * x, 8);
  }
}

/// Pooled rows first .. last-1 of an image.
void ForwardPixels(const ConvPoolGeometry& g, const PixelBand& b, const float* src, const PackedPixels& packed,
                   Index first, Index last, float* dst, std::uint8_t* taps) {
  SplitRows(g, src, 2 * first, 2 * last + g.kh - 1, b);
  const Index row = 2 * g.ic * b.plane;
  for (Index y = first; y < last; ++y) {
    for (Index x = 0; x < g.ow; x += kPixelLanes) {
      const float* const window = b.planes + 2 * (y - first) * row + x;
      ForChannelBlocks(g.oc, [&](Index o, Index channels) HWY_ATTR {
        const float* const weight = packed.weight + o * g.kh * g.kw * g.ic;
        WithNumber<kMostChannels>(channels, [&](auto some_channels) HWY_ATTR {
          PoolPixels<decltype(some_channels)::value>(g, b, window, weight, packed.bias, o);
        });
      });
      const Index windows = Least(kPixelLanes, g.ow - x), pixel = y * g.ow + x;
      const Index room = (last * g.ow - pixel) * g.oc;
      if (g.oc == kMostChannels) {
        WriteResults<kMostChannels>(g, b, packed, windows, dst + pixel * g.oc, room);
      } else {
        WriteResults<0>(g, b, packed, windows, dst + pixel * g.oc, room);
      }
      if (g.keeps) WriteWinners(g, b, windows, taps + pixel * g.lanes_oc);
    }
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

class ForwardPixels final : public ConvPoolForward {
 public:
  explicit ForwardPixels(const ConvPoolGeometry& g)
      : g_(g), plane_(round_up(round_up(g.ow, kMostLanes) + g.kw / 2 + 1, 8)) {}

  Index packed_floats() const override {
    return 2 * table_floats() + round_up(g_.oc * (1 + g_.kh * g_.kw * g_.ic), kMostLanes);
  }
  void pack(const float* weight, const float* bias, float* packed) const override {
    HWY_DYNAMIC_DISPATCH(PackPixels)(g_, weight, bias, packed_at(packed));
  }
  Index band_floats(Index rows) const override { return planes_floats(rows) + 2 * results_floats(); }
  void run(const float* src, float* packed, Index first, Index last, float* dst, std::uint8_t* taps,
           float* band) const override {
    float* const best = band + planes_floats(last - first);
    const PixelBand memory{.planes = band,
                           .best = best,
                           .winners = reinterpret_cast<std::int32_t*>(best + results_floats()),
                           .plane = plane_};
    HWY_DYNAMIC_DISPATCH(ForwardPixels)(g_, memory, src, packed_at(packed), first, last, dst, taps);
  }

 private:
  Index table_floats() const { return g_.oc * kMostLanes; }
  PackedPixels packed_at(float* memory) const {
    float* const bias = memory + 2 * table_floats();
    return {.windows = reinterpret_cast<std::int32_t*>(memory),
            .channels = reinterpret_cast<std::int32_t*>(memory + table_floats()),
            .bias = bias,
            .weight = bias + g_.oc};
  }
  Index planes_floats(Index rows) const { return round_up((2 * rows + g_.kh - 1) * 2 * g_.ic * plane_, kMostLanes); }
  Index results_floats() const { return g_.lanes_oc * kMostLanes; }

  ConvPoolGeometry g_;
  Index plane_;
};

}  // namespace

Index lanes_of_pixels() { return HWY_DYNAMIC_DISPATCH(LanesOfPixels)(); }

std::unique_ptr<ConvPoolForward> make_forward_pixels(const ConvPoolGeometry& g) {
  return std::make_unique<ForwardPixels>(g);
}

}  // namespace saccade::kernels::simd
#endif
