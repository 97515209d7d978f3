// Vectors of neighbouring windows: what does not depend on how their sums are computed. Included once for every target,
// inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_CONV_POOL2D_WINDOWS_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_CONV_POOL2D_WINDOWS_INTERNAL_H
#undef SACCADE_KERNELS_CONV_POOL2D_WINDOWS_INTERNAL_H
#else
#define SACCADE_KERNELS_CONV_POOL2D_WINDOWS_INTERNAL_H
#endif

#include <cstring>

#include "saccade/kernels/conv_pool2d/tiles_internal.h"
#include "saccade/kernels/conv_pool2d/windows.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using simd::PixelBand;
using simd::PixelTables;
constexpr auto kPixelLanes = static_cast<Index>(hn::MaxLanes(FloatTag()));

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

/// The results of `windows` windows, one after the other. `room` floats may be written. kChannels is 0 or g.oc.
template <int kChannels>
HWY_INLINE void WriteResults(const ConvPoolGeometry& g, const PixelBand& b, const PixelTables& tables, Index windows,
                             float* HWY_RESTRICT dst, Index room) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const Index count = windows * g.oc;
  for (Index i = 0; i < count; i += kPixelLanes) {
    const auto window = hn::IndicesFromVec(d, hn::Load(di, tables.windows + i));
    const auto channel = hn::Load(di, tables.channels + i);
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

/// Row y of the windows, of which those in rows before `last` may be written: op(x, first channel, channels as
/// KnownNumber) puts the results of a vector of windows from window x on into the band.
template <int kMost, class Op>
HWY_INLINE void ForVectorsOfRow(const ConvPoolGeometry& g, const PixelBand& b, const PixelTables& tables, Index y,
                                Index last, float* dst, std::uint8_t* taps, const Op& op) {
  for (Index x = 0; x < g.ow; x += kPixelLanes) {
    ForBlocks<kMost>(g.oc, [&](Index o, auto channels) HWY_ATTR { op(x, o, channels); });
    const Index windows = Least(kPixelLanes, g.ow - x), pixel = y * g.ow + x;
    const Index room = (last * g.ow - pixel) * g.oc;
    if (g.oc == kMost) {
      WriteResults<kMost>(g, b, tables, windows, dst + pixel * g.oc, room);
    } else {
      WriteResults<0>(g, b, tables, windows, dst + pixel * g.oc, room);
    }
    if (g.keeps) WriteWinners(g, b, windows, taps + pixel * g.lanes_oc);
  }
}

/// Puts the largest of each window's four sums, and which it is, into the band.
HWY_INLINE void PoolInto(const ConvPoolGeometry& g, const PixelBand& b, Index channel, FloatVector upper_left,
                         FloatVector upper_right, FloatVector lower_left, FloatVector lower_right) {
  const FloatTag d;
  const auto p = PoolWindow(d, g.relu, upper_left, upper_right, lower_left, lower_right);
  hn::Store(p.best, d, b.best + channel * kPixelLanes);
  hn::Store(p.winner, hn::RebindToSigned<FloatTag>(), b.winners + channel * kPixelLanes);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
