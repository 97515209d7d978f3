// A convolution of single pixels for some channels. Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_CONV2D_PIXELS_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_CONV2D_PIXELS_INTERNAL_H
#undef SACCADE_KERNELS_CONV2D_PIXELS_INTERNAL_H
#else
#define SACCADE_KERNELS_CONV2D_PIXELS_INTERNAL_H
#endif

#include "saccade/kernels/conv2d/depthwise_row_internal.h"
#include "saccade/kernels/conv2d/pixels.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// kPixels pixels times kVectors vectors of channels, whose sums stay in registers.
template <std::size_t kPixels, std::size_t kVectors>
HWY_INLINE void PixelTile(const Pixels& p, Index pixel, Index channel, const BoundVectors& bounds) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  FloatVector sum[kPixels][kVectors];
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    const FloatVector bias = p.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, p.bias + channel + v * lanes);
#pragma GCC unroll 8
    for (std::size_t x = 0; x < kPixels; ++x) sum[x][v] = bias;
  }
  const float* src = p.src + pixel * p.ic;
  const float* weight = p.weight + channel;
  for (Index i = 0; i < p.ic; ++i) {
    FloatVector w[kVectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) w[v] = hn::LoadU(d, weight + v * lanes);
#pragma GCC unroll 8
    for (std::size_t x = 0; x < kPixels; ++x) {
      const FloatVector value = hn::Set(d, src[static_cast<Index>(x) * p.ic + i]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) sum[x][v] = hn::MulAdd(w[v], value, sum[x][v]);
    }
    weight += p.weight_step;
  }
#pragma GCC unroll 8
  for (std::size_t x = 0; x < kPixels; ++x) {
    float* const dst = p.dst + (pixel + static_cast<Index>(x)) * p.dst_step + channel;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) StoreBetween(sum[x][v], bounds, dst + v * lanes);
  }
}

/// All pixels of kVectors vectors of channels.
template <std::size_t kVectors>
HWY_INLINE void PixelColumns(const Pixels& p, Index channel, const BoundVectors& bounds) {
  constexpr std::size_t kMost = HWY_CAP_GE512 ? 8 : 4;  // as many as the registers hold sums of
  Index x = 0;
  for (; x + static_cast<Index>(kMost) <= p.pixels; x += static_cast<Index>(kMost)) {
    PixelTile<kMost, kVectors>(p, x, channel, bounds);
  }
  for (; x + 2 <= p.pixels; x += 2) PixelTile<2, kVectors>(p, x, channel, bounds);
  for (; x < p.pixels; ++x) PixelTile<1, kVectors>(p, x, channel, bounds);
}

HWY_INLINE void PixelChannels(const Pixels& p) {
  const BoundVectors bounds = VectorsOf(p.bounds);
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  constexpr Index kVectors = static_cast<Index>(kPixelVectors);
  Index channel = 0;
  for (; channel + kVectors * lanes <= p.channels; channel += kVectors * lanes) {
    PixelColumns<kPixelVectors>(p, channel, bounds);
  }
  for (; channel + 2 * lanes <= p.channels; channel += 2 * lanes) PixelColumns<2>(p, channel, bounds);
  for (; channel + lanes <= p.channels; channel += lanes) PixelColumns<1>(p, channel, bounds);
  // The last vector goes back as far as it must to be whole: what is written twice is the same.
  if (channel < p.channels) PixelColumns<1>(p, p.channels - lanes, bounds);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
