#include <memory>

#include "saccade/kernels/conv_pool2d/windows.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/forward_pixels_winograd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv_pool2d/windows_internal.h"
#include "saccade/kernels/conv_pool2d/winograd_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Output channels whose sums of one point, two a window, the registers hold.
constexpr int kMostChannelsOfPoint = 6;

/// Each column of the filters transformed downwards: for each block of channels [points, ic, kw, channels].
void PackPixelsWinograd(const ConvPoolGeometry& g, const float* weight, float* to) {
  WithPoints(g.kh, [&](auto known) HWY_ATTR {
    constexpr Index points = decltype(known)::value, taps = points - 1;
    using One = hn::Vec<hn::CappedTag<float, 1>>;
    const hn::CappedTag<float, 1> d;
    ForBlocks<kMostChannelsOfPoint>(g.oc, [&](Index first, auto known_channels) HWY_ATTR {
      constexpr Index channels = decltype(known_channels)::value;
      const Index filters = g.ic * g.kw * channels;
      for (Index i = 0; i < g.ic; ++i) {
        for (Index kw = 0; kw < g.kw; ++kw) {
          for (Index o = 0; o < channels; ++o) {
            One column[usize(taps)], transformed[usize(points)];
            for (Index kh = 0; kh < taps; ++kh) {
              column[kh] = hn::Set(d, weight[((kh * g.kw + kw) * g.ic + i) * g.oc + first + o]);
            }
            FilterMatrix<2, taps>::Apply(column, transformed);
            for (Index q = 0; q < points; ++q) {
              to[q * filters + (i * g.kw + kw) * channels + o] = hn::GetLane(transformed[q]) / Norm<points>(q);
            }
          }
        }
      }
      to += points * filters;
    });
  });
}

/// A vector of windows side by side, from the transformed rows at `columns` on.
template <Index points, int kChannels>
HWY_NOINLINE void PoolTransformedPixels(const ConvPoolGeometry& g, const PixelBand& b,
                                        const float* HWY_RESTRICT columns, const float* HWY_RESTRICT weight,
                                        const float* HWY_RESTRICT bias, Index channel) {
  const FloatTag d;
  HWY_ALIGN float sums[usize(kChannels)][2][usize(points)][kPixelLanes];
  const Index odd = g.ic * b.plane;
  for (Index q = 0; q < points; ++q) {
    FloatVector left[usize(kChannels)], right[usize(kChannels)];
    HWY_UNROLL(6)
    for (int o = 0; o < kChannels; ++o) {
      // What stands at the point 1 is added to both results.
      left[o] = right[o] = q == 1 ? hn::Set(d, bias[channel + o]) : hn::Zero(d);
    }
    for (Index i = 0; i < g.ic; ++i) {
      const float* from = columns + i * b.plane;
      auto pixels = hn::LoadU(d, from);
      Index step = odd;  // to the next column, of the other parity
      for (Index kw = g.kw; kw != 0; --kw) {
        from += step;
        step = 1 - step;
        const auto next = hn::LoadU(d, from);
        HWY_UNROLL(6)
        for (int o = 0; o < kChannels; ++o) {
          const auto filter = hn::Set(d, weight[o]);
          left[o] = hn::MulAdd(pixels, filter, left[o]);
          right[o] = hn::MulAdd(next, filter, right[o]);
        }
        weight = Base(weight + kChannels);
        pixels = next;
      }
    }
    columns += 2 * odd;
    HWY_UNROLL(6)
    for (int o = 0; o < kChannels; ++o) {
      hn::Store(left[o], d, sums[o][0][q]);
      hn::Store(right[o], d, sums[o][1][q]);
    }
  }
  for (int o = 0; o < kChannels; ++o) {
    FloatVector results[2][2];
    FromHalves<points>(d, sums[o], results);
    PoolInto(g, b, channel + o, results[0][0], results[1][0], results[0][1], results[1][1]);
  }
}

/// Pooled rows first .. last-1 of an image.
void ForwardPixelsWinograd(const ConvPoolGeometry& g, const PixelBand& b, const PixelTables& tables, const float* bias,
                           const float* weight, const float* src, Index first, Index last, float* dst,
                           std::uint8_t* taps) {
  SplitRows(g, src, 2 * first, 2 * last + g.kh - 1, b);
  WithPoints(g.kh, [&](auto known) HWY_ATTR {
    constexpr Index points = decltype(known)::value;
    const Index row = b.row(g.ic);
    float* const columns[] = {b.transformed, b.transformed + points * row};
    ForTransformedRows<points>(b.planes, row, columns, first, last, [&](Index y) HWY_ATTR {
      const float* const transformed = columns[(y - first) % 2];
      ForVectorsOfRow<kMostChannelsOfPoint>(g, b, tables, y, last, dst, taps,
                                            [&](Index x, Index o, auto channels) HWY_ATTR {
                                              PoolTransformedPixels<points, decltype(channels)::value>(
                                                  g, b, transformed + x, weight + o * points * g.kw * g.ic, bias, o);
                                            });
    });
  });
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(PackPixelsWinograd);
HWY_EXPORT(ForwardPixelsWinograd);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class ForwardPixelsWinograd final : public WindowsForward {
 public:
  explicit ForwardPixelsWinograd(const ConvPoolGeometry& g)
      : WindowsForward(g, g.oc * (g.kh + 1) * g.kw * g.ic, 2 * (g.kh + 1) * 2 * g.ic * plane_of(g)) {}

 private:
  void pack_weights(const float* weight, float* to) const override {
    HWY_DYNAMIC_DISPATCH(PackPixelsWinograd)(geometry(), weight, to);
  }
  void sum(const PixelBand& b, const PixelTables& tables, const float* bias, const float* weight, const float* src,
           Index first, Index last, float* dst, std::uint8_t* taps) const override {
    HWY_DYNAMIC_DISPATCH(ForwardPixelsWinograd)(geometry(), b, tables, bias, weight, src, first, last, dst, taps);
  }
};

}  // namespace

std::unique_ptr<ConvPoolForward> make_forward_pixels_winograd(const ConvPoolGeometry& g) {
  return std::make_unique<ForwardPixelsWinograd>(g);
}

}  // namespace saccade::kernels::simd
#endif
