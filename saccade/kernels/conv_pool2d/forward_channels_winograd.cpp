#include "saccade/kernels/conv_pool2d/forward.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/forward_channels_winograd.cpp"
#include <hwy/foreach_target.h>

#ifndef SACCADE_KERNELS_CONV_POOL2D_FORWARD_CHANNELS_WINOGRAD_ONCE
#define SACCADE_KERNELS_CONV_POOL2D_FORWARD_CHANNELS_WINOGRAD_ONCE
namespace saccade::kernels::simd {

/// Floats of transformed windows side by side: some windows of all input channels.
inline constexpr Index kTransformedRow = 64;

/// Working memory of a band of rows. Even and odd columns of an image lie apart, so that what neighbouring windows have at
/// the same place, two columns further each, lies side by side.
struct WinogradBand {
  float* planes;       ///< [rows, 2 parities, plane], the image with its padding: plane [columns / 2, ic]
  float* columns[2];   ///< [points, 2 parities, plane]: the rows under a row of windows, transformed downwards
  float* transformed;  ///< [points, points, kTransformedRow]: some windows, transformed across, too; [windows, ic]
  Index plane;
};

}  // namespace saccade::kernels::simd
#endif

#include "saccade/kernels/conv_pool2d/winograd_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using simd::kTransformedRow;
using simd::WinogradBand;

/// Windows whose sums the registers hold.
template <Index points>
constexpr int MostWindows() {
  constexpr int kMost = (kRegisters + 2) / static_cast<int>(points);
  return kMost < 5 ? kMost : 5;
}

/// bias [lanes_oc], then transformed weights [lanes_oc / lanes, points, ic, points, lanes].
void PackChannelsWinograd(const ConvPoolGeometry& g, const float* weight, const float* bias, float* packed) {
  WithOutputVectors(g, [&](auto d) HWY_ATTR {
    WithPoints(g.kh, [&](auto known) HWY_ATTR {
      using D = decltype(d);
      constexpr Index points = decltype(known)::value, taps = points - 1;
      const auto lanes = static_cast<Index>(hn::Lanes(d));
      for (Index o = 0; o < g.lanes_oc; ++o) packed[o] = bias != nullptr && o < g.oc ? bias[o] : 0.0F;
      HWY_ALIGN float filters[hn::MaxLanes(d)];
      float* const to = packed + g.lanes_oc;
      for (Index block = 0; block < g.lanes_oc; block += lanes) {
        for (Index i = 0; i < g.ic; ++i) {
          TransformSquare<FilterMatrix<2, taps>>(
              [&](Index y, Index x) HWY_ATTR {
                const float* const from = weight + ((y * taps + x) * g.ic + i) * g.oc + block;
                for (Index o = 0; o < lanes; ++o) filters[o] = block + o < g.oc ? from[o] : 0.0F;
                return hn::Load(d, filters);
              },
              [&](Index q, Index r, hn::Vec<D> filter) HWY_ATTR {
                const auto norms = hn::Set(d, Norm<points>(q) * Norm<points>(r));
                hn::StoreU(hn::Div(filter, norms), d,
                           to + (((block / lanes * points + q) * g.ic + i) * points + r) * lanes);
              });
        }
      }
    });
  });
}

/// Rows first .. last-1 of the image with its padding, whose zeros are there already.
HWY_INLINE void SplitPixels(const ConvPoolGeometry& g, const float* src, Index first, Index last,
                            const WinogradBand& b) {
  const Index columns = Least(g.iw, 2 * g.ow + g.kw - 1 - g.pl);  // that windows reach
  const auto split = [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    // The last vector of a pixel may reach into pixels that are written after it.
    const Index vectors = (g.ic + lanes - 1) / lanes, last_channel = (vectors - 1) * lanes;
    const Index reach = (vectors * lanes + g.ic - 1) / g.ic, whole = columns - 2 * (reach - 1);
    for (Index row = first; row < last; ++row) {
      const Index y = row - g.pt;
      if (y < 0 || y >= g.ih) continue;
      const float* HWY_RESTRICT from = src + y * g.iw * g.ic;
      float* const planes = b.planes + (row - first) * 2 * b.plane;
      float* pixel = planes + g.pl % 2 * b.plane + g.pl / 2 * g.ic;
      float* next = planes + (g.pl + 1) % 2 * b.plane + (g.pl + 1) / 2 * g.ic;
      const auto advance = [&] {
        float* const done = pixel;
        pixel = next;
        next = done + g.ic;
        from += g.ic;
      };
      for (Index x = 0; x < columns; ++x, advance()) {
        for (Index i = 0; i < last_channel; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, pixel + i);
        float* const end = pixel + last_channel;
        if (x < whole) {
          hn::StoreU(hn::LoadU(d, from + last_channel), d, end);
        } else {
          CopyFew(from + last_channel, g.ic - last_channel, end);
        }
      }
    }
  };
  if (g.ic <= 8) return split(hn::CappedTag<float, 8>());
  split(FloatTag());
}

/// `windows` windows of row y from window x on, transformed across.
template <Index points>
HWY_INLINE void TransformAcross(const ConvPoolGeometry& g, const WinogradBand& b, Index y, Index x, Index windows) {
  const FloatTag d;
  const Index floats = windows * g.ic;
  const float* HWY_RESTRICT even = b.columns[y % 2] + x * g.ic;
  float* HWY_RESTRICT to = b.transformed;
  for (Index q = 0; q < points; ++q) {
    const float* const odd = even + b.plane;
    for (Index i = 0; i < floats; i += static_cast<Index>(hn::Lanes(d))) {
      FloatVector row[usize(points)], transformed[usize(points)];
      const float *left = even + i, *right = odd + i;
      HWY_UNROLL(3)
      for (Index c = 0; c < points; c += 2) {
        row[c] = hn::LoadU(d, left);
        row[c + 1] = hn::LoadU(d, right);
        left = Base(left + g.ic);
        right = Base(right + g.ic);
      }
      SourceMatrix<points>::Apply(row, transformed);
      HWY_UNROLL(6)
      for (Index r = 0; r < points; ++r) hn::Store(transformed[r], d, to + r * kTransformedRow + i);
    }
    even += 2 * b.plane;
    to += points * kTransformedRow;
  }
}

/// kWindows of those transformed windows, from `source` on: one vector of output channels.
template <Index points, int kWindows, class D>
HWY_NOINLINE void PoolTransformed(D d, const ConvPoolGeometry& g, const float* HWY_RESTRICT source,
                                  const float* HWY_RESTRICT weight, hn::Vec<D> bias, TileResults to) {
  using V = hn::Vec<D>;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  HWY_ALIGN float halves[usize(kWindows)][2][usize(points)][hn::MaxLanes(d)];
  for (Index q = 0; q < points; ++q) {
    V sums[usize(kWindows)][usize(points)];
    HWY_UNROLL(5)
    for (int x = 0; x < kWindows; ++x) {
      HWY_UNROLL(6)
      for (Index r = 0; r < points; ++r) sums[x][r] = hn::Zero(d);
      // What stands at the point (1, 1) is added to all four results.
      if (q == 1) sums[x][1] = bias;
    }
    for (Index i = 0; i < g.ic; ++i) {
      HWY_UNROLL(6)
      for (Index r = 0; r < points; ++r) {
        const V filter = hn::LoadU(d, weight);
        weight = Base(weight + lanes);  // lest it is loaded for each window
        HWY_UNROLL(5)
        for (int x = 0; x < kWindows; ++x) {
          sums[x][r] = hn::MulAdd(hn::Set(d, source[r * kTransformedRow + x * g.ic + i]), filter, sums[x][r]);
        }
      }
    }
    source += points * kTransformedRow;
    HWY_UNROLL(5)
    for (int x = 0; x < kWindows; ++x) {
      V columns[2];
      ResultMatrix<2, points>::Apply(sums[x], columns);
      hn::Store(columns[0], d, halves[x][0][q]);
      hn::Store(columns[1], d, halves[x][1][q]);
    }
  }
  for (int x = 0; x < kWindows; ++x) {
    V results[2][2];
    FromHalves<points>(d, halves[x], results);
    StoreWindow(d, g, PoolWindow(d, g.relu, results[0][0], results[1][0], results[0][1], results[1][1]), x, to);
  }
}

/// Pooled rows first .. last-1 of an image.
void ForwardChannelsWinograd(const ConvPoolGeometry& g, const WinogradBand& b, const float* src, const float* packed,
                             Index first, Index last, float* dst, std::uint8_t* taps) {
  SplitPixels(g, src, 2 * first, 2 * last + g.kh - 1, b);
  const Index most = kTransformedRow / g.ic;
  WithOutputVectors(g, [&](auto d) HWY_ATTR {
    WithPoints(g.kh, [&](auto known) HWY_ATTR {
      constexpr Index points = decltype(known)::value;
      constexpr int kMostWindows = MostWindows<points>();
      const auto lanes = static_cast<Index>(hn::Lanes(d));
      ForTransformedRows<points>(b.planes, 2 * b.plane, b.columns, first, last, [&](Index y) HWY_ATTR {
        for (Index block = 0; block < g.ow; block += most) {
          const Index windows = Least(most, g.ow - block);
          TransformAcross<points>(g, b, y - first, block, windows);
          for (Index o = 0; o < g.oc; o += lanes) {
            const float* const weight = packed + g.lanes_oc + o * points * points * g.ic;
            const auto bias = hn::LoadU(d, packed + o);
            ForBlocks<kMostWindows>(windows, [&](Index x, auto some) HWY_ATTR {
              const TileResults to = ResultsAt(g, y * g.ow + block + x, o, lanes, last, dst, taps);
              PoolTransformed<points, decltype(some)::value>(d, g, b.transformed + x * g.ic, weight, bias, to);
            });
          }
        }
      });
    });
  });
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(PackChannelsWinograd);
HWY_EXPORT(ForwardChannelsWinograd);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class ForwardChannelsWinograd final : public ConvPoolForward {
 public:
  explicit ForwardChannelsWinograd(const ConvPoolGeometry& g)
      : g_(g), points_(g.kh + 1), plane_(round_up((g.ow + g.kw / 2) * g.ic, kMostLanes)) {}

  Index packed_floats() const override { return round_up(g_.lanes_oc * (1 + points_ * points_ * g_.ic), kMostLanes); }
  void pack(const float* weight, const float* bias, float* packed) const override {
    HWY_DYNAMIC_DISPATCH(PackChannelsWinograd)(g_, weight, bias, packed);
  }
  Index band_floats(Index rows) const override {
    return planes_floats(rows) + 2 * columns_floats() + points_ * points_ * kTransformedRow;
  }
  void run(const float* src, const float* packed, Index first, Index last, float* dst, std::uint8_t* taps,
           float* band) const override {
    float* const columns = band + planes_floats(last - first);
    const WinogradBand memory{.planes = band,
                              .columns = {columns, columns + columns_floats()},
                              .transformed = columns + 2 * columns_floats(),
                              .plane = plane_};
    HWY_DYNAMIC_DISPATCH(ForwardChannelsWinograd)(g_, memory, src, packed, first, last, dst, taps);
  }

 private:
  /// With room behind them for a vector, whose lanes beyond the last window do not count.
  Index planes_floats(Index rows) const { return (2 * rows + g_.kh - 1) * 2 * plane_; }
  Index columns_floats() const { return points_ * 2 * plane_ + kMostLanes; }

  ConvPoolGeometry g_;
  Index points_, plane_;
};

}  // namespace

std::unique_ptr<ConvPoolForward> make_forward_channels_winograd(const ConvPoolGeometry& g) {
  return std::make_unique<ForwardChannelsWinograd>(g);
}

}  // namespace saccade::kernels::simd
#endif
