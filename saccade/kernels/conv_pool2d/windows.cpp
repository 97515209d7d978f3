#include "saccade/kernels/conv_pool2d/windows.h"

#include <algorithm>

#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels::simd {

WindowsForward::WindowsForward(const ConvPoolGeometry& g, Index weights, Index transformed)
    : g_(g), weights_(weights), transformed_(transformed) {}

Index WindowsForward::plane_of(const ConvPoolGeometry& g) {
  return round_up(round_up(g.ow, kMostLanes) + g.kw / 2 + 1, 8);
}

Index WindowsForward::packed_floats() const { return 2 * table_floats() + round_up(g_.oc + weights_, kMostLanes); }

void WindowsForward::pack(const float* weight, const float* bias, float* packed) const {
  auto* const windows = reinterpret_cast<std::int32_t*>(packed);
  auto* const channels = reinterpret_cast<std::int32_t*>(packed + table_floats());
  for (Index i = 0; i < g_.oc * lanes_of_pixels(); ++i) {
    windows[i] = static_cast<std::int32_t>(i / g_.oc);
    channels[i] = static_cast<std::int32_t>(i % g_.oc);
  }
  float* const bias_to = packed + 2 * table_floats();
  if (bias != nullptr) {
    std::copy_n(bias, g_.oc, bias_to);
  } else {
    std::fill_n(bias_to, g_.oc, 0.0F);
  }
  pack_weights(weight, bias_to + g_.oc);
}

Index WindowsForward::band_floats(Index rows) const {
  return planes_floats(rows) + 2 * results_floats() + transformed_;
}

void WindowsForward::run(const float* src, const float* packed, Index first, Index last, float* dst, std::uint8_t* taps,
                         float* band) const {
  float* const best = band + planes_floats(last - first);
  float* const winners = best + results_floats();
  const PixelBand memory{.planes = band,
                         .best = best,
                         .winners = reinterpret_cast<std::int32_t*>(winners),
                         .transformed = winners + results_floats(),
                         .plane = plane_of(g_)};
  const PixelTables tables{.windows = reinterpret_cast<const std::int32_t*>(packed),
                           .channels = reinterpret_cast<const std::int32_t*>(packed + table_floats())};
  const float* const bias = packed + 2 * table_floats();
  sum(memory, tables, bias, bias + g_.oc, src, first, last, dst, taps);
}

Index WindowsForward::table_floats() const { return g_.oc * kMostLanes; }

Index WindowsForward::planes_floats(Index rows) const {
  return round_up((2 * rows + g_.kh - 1) * 2 * g_.ic * plane_of(g_), kMostLanes);
}

Index WindowsForward::results_floats() const { return g_.lanes_oc * kMostLanes; }

}  // namespace saccade::kernels::simd
