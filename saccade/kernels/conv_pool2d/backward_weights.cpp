#include "saccade/kernels/conv_pool2d/backward_weights.h"

#include <algorithm>

#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/backward_weights.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv_pool2d/tiles_internal.h"

#ifndef SACCADE_KERNELS_CONV_POOL2D_BACKWARD_WEIGHTS_ONCE
#define SACCADE_KERNELS_CONV_POOL2D_BACKWARD_WEIGHTS_ONCE
namespace saccade::kernels::simd {

/// Longest vectors: sums run along rows of the image that begin anywhere, and longer loads would cross the lines of the
/// cache each time.
inline constexpr Index kSumLanes = 8;
/// Channels whose gradients are looked at together: they stay in the first cache.
inline constexpr Index kChannelBlock = 8;

}  // namespace saccade::kernels::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using WeightMemory = simd::WeightSums::Memory;
/// Sums of a filter up to which all gradients are added.
constexpr Index kFewSums = 8 * simd::kSumLanes;

using SumTag = hn::CappedTag<float, simd::kSumLanes>;

/// The rows of an image into memory with padding, whose zeros are there already, as often as they are wanted.
HWY_INLINE void CopyRows(const ConvPoolGeometry& g, const WeightMemory& m, const float* src) {
  const Index last = Least(g.ih, g.rows - g.pt);
  for (Index y = 0; y < last; ++y) {
    float* const to = m.image + (y + g.pt) * m.row + m.lead + g.pl * g.ic;
    CopyFew(src + y * g.iw * g.ic, g.iw * g.ic, to);
    if (m.second != 0) CopyFew(src + y * g.iw * g.ic, g.iw * g.ic, to + m.second);
  }
}

/// The last few numbers of a batch, which do not fill a vector.
template <class D>
HWY_NOINLINE hn::Vec<D> LoadLast(D d, const float* from, Index count) {
  HWY_ALIGN float buffer[hn::MaxLanes(d)] = {};
  for (Index i = 0; i < count; ++i) buffer[i] = from[i];
  return hn::Load(d, buffer);
}

/// Of kChannelBlock channels from `channel` on: gradients that pass, and where the winning pixels begin; the sums of the
/// gradients of biases.
HWY_INLINE void FindWinners(const ConvPoolGeometry& g, const WeightMemory& m, Index channel, const float* grad_dst,
                            Index room, const std::uint8_t* taps) {
  const SumTag d;
  const hn::RebindToSigned<SumTag> di;
  const hn::Rebind<std::uint8_t, SumTag> d8;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto dead = hn::Set(di, simd::kDead);
  const auto three = hn::Set(di, 3);
  const Index tap_step = g.lanes_oc, grad_step = g.oc, ow = g.ow;
  const std::int32_t* const columns = m.columns;
  for (Index o = 0; o < simd::kChannelBlock; o += lanes) {
    auto sum = hn::LoadU(d, m.bias + channel + o);
    const std::uint8_t* HWY_RESTRICT tap = taps + channel + o;
    const float* HWY_RESTRICT from = grad_dst + channel + o;
    const float* const last = grad_dst + room - lanes;
    float* HWY_RESTRICT gradients = m.gradients + o;
    std::int32_t* HWY_RESTRICT offsets = m.offsets + o;
    for (Index y = 0; y < g.oh; ++y) {
      const auto first = hn::Set(di, static_cast<std::int32_t>(2 * y * m.row));
      for (Index x = 0; x < ow; ++x) {
        const auto winner = hn::PromoteTo(di, hn::LoadU(d8, tap));
        const auto of_window = hn::LoadDup128(di, columns + 4 * x);
        const auto column = hn::TableLookupLanes(of_window, hn::IndicesFromVec(di, hn::And(winner, three)));
        hn::Store(hn::Add(first, column), di, offsets);
        const auto all = HWY_LIKELY(from <= last) ? hn::LoadU(d, from) : LoadLast(d, from, last + lanes - from);
        const auto gradient = hn::IfThenZeroElse(hn::RebindMask(d, hn::Eq(winner, dead)), all);
        hn::Store(gradient, d, gradients);
        sum = hn::Add(sum, gradient);
        tap += tap_step;
        from += grad_step;
        gradients += simd::kChannelBlock;
        offsets += simd::kChannelBlock;
      }
    }
    hn::StoreU(sum, d, m.bias + channel + o);
  }
}

/// Some gradients of a channel, `step` apart, and as many for the next channels behind each.
struct Gradients {
  const float* values;
  const std::int32_t* offsets;
  Index count, step;
};

/// Those of a channel of the block that are not zero. Each is written at the end of the list, and the end moves if it
/// belongs there: a branch would be mispredicted.
HWY_INLINE Gradients PickGradients(const ConvPoolGeometry& g, const WeightMemory& m, Index channel) {
  const Index windows = g.oh * g.ow;
  const float* HWY_RESTRICT value = m.gradients + channel;
  const std::int32_t* HWY_RESTRICT offset = m.offsets + channel;
  float* HWY_RESTRICT const picked = m.picked;
  std::int32_t* HWY_RESTRICT const picked_offsets = m.picked_offsets;
  Index count = 0;
  for (Index window = 0; window < windows; ++window) {
    picked[count] = *value;
    picked_offsets[count] = *offset;
    count += *value != 0;
    value += simd::kChannelBlock;
    offset += simd::kChannelBlock;
  }
  return {picked, picked_offsets, count, 1};
}

/// Channels whose sums are held at once.
constexpr int ChannelsAtOnce(int rows, int vectors) {
  const int channels = (kRegisters < 24 ? kRegisters : 24) / (rows * vectors);
  return channels >= 4 ? 4 : channels >= 2 ? 2 : 1;
}

/// sums [kChannels, kRows, kVectors] += gradient * (rows of the image where its winner lies), for each of the gradients.
template <int kChannels, int kRows, int kVectors>
HWY_INLINE void SumTile(const ConvPoolGeometry& g, const WeightMemory& m, Gradients gradients,
                        const float* HWY_RESTRICT image, float* HWY_RESTRICT sums) {
  const SumTag d;
  constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(d));
  const Index filter = g.kh * m.sum_row, row = m.row;
  hn::Vec<SumTag> sum[usize(kChannels)][usize(kRows)][usize(kVectors)];
  const auto each = [&](const auto& op) HWY_ATTR {
    HWY_UNROLL(4)
    for (int c = 0; c < kChannels; ++c) {
      HWY_UNROLL(6)
      for (int r = 0; r < kRows; ++r) {
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) op(sum[c][r][v], sums + c * filter + r * m.sum_row + v * kLanes);
      }
    }
  };
  each([&](auto& vector, const float* from) HWY_ATTR { vector = hn::LoadU(d, from); });
  for (Index i = 0; i < gradients.count; ++i) {
    HWY_UNROLL(4)
    for (int c = 0; c < kChannels; ++c) {
      const auto gradient = hn::Set(d, gradients.values[c]);
      const float* from = image + gradients.offsets[c];
      HWY_UNROLL(6)
      for (int r = 0; r < kRows; ++r) {
        from = Base(from);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) {
          sum[c][r][v] = hn::MulAdd(hn::LoadU(d, from + v * kLanes), gradient, sum[c][r][v]);
        }
        from += row;
      }
    }
    gradients.values += gradients.step;
    gradients.offsets += gradients.step;
  }
  each([&](auto& vector, float* to) HWY_ATTR { hn::StoreU(vector, d, to); });
}

/// Adds all gradients of a block of channels, of some channels at once.
HWY_INLINE void SumAll(const ConvPoolGeometry& g, const WeightMemory& m, Index channel, const float* image) {
  constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(SumTag()));
  const Index channels = Least(simd::kChannelBlock, g.oc - channel);
  ForTiles(g.kh, m.sum_row / kLanes, [&](Index r, Index v, auto rows, auto vectors) HWY_ATTR {
    constexpr int kRows = decltype(rows)::value, kVectors = decltype(vectors)::value;
    constexpr int kChannels = ChannelsAtOnce(kRows, kVectors);
    Index o = 0;
    const auto add = [&](auto some) HWY_ATTR {
      const Gradients gradients{m.gradients + o, m.offsets + o, g.oh * g.ow, simd::kChannelBlock};
      SumTile<decltype(some)::value, kRows, kVectors>(g, m, gradients, image + r * m.row + v * kLanes,
                                                      m.sums + ((channel + o) * g.kh + r) * m.sum_row + v * kLanes);
      o += decltype(some)::value;
    };
    while (o + kChannels <= channels) add(KnownNumber<kChannels>());
    if constexpr (kChannels > 2) {
      if (o + 2 <= channels) add(KnownNumber<2>());
    }
    if constexpr (kChannels > 1) {
      if (o < channels) add(KnownNumber<1>());
    }
  });
}

/// Adds those that are not zero, channel after channel.
HWY_INLINE void SumPicked(const ConvPoolGeometry& g, const WeightMemory& m, Index channel, const float* image) {
  constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(SumTag()));
  for (Index o = 0; o < Least(simd::kChannelBlock, g.oc - channel); ++o) {
    const Gradients gradients = PickGradients(g, m, o);
    ForTiles(g.kh, m.sum_row / kLanes, [&](Index r, Index v, auto rows, auto vectors) HWY_ATTR {
      SumTile<1, decltype(rows)::value, decltype(vectors)::value>(
          g, m, gradients, image + r * m.row + v * kLanes,
          m.sums + ((channel + o) * g.kh + r) * m.sum_row + v * kLanes);
    });
  }
}

void AddImage(const ConvPoolGeometry& g, const WeightMemory& m, const float* src, bool in_place, const float* grad_dst,
              Index room, const std::uint8_t* taps) {
  if (!in_place) CopyRows(g, m, src);
  const float* const image = in_place ? src : m.image;
  for (Index channel = 0; channel < g.oc; channel += simd::kChannelBlock) {
    FindWinners(g, m, channel, grad_dst, room, taps);
    // To pick a gradient costs what a few vectors do.
    if (g.kh * m.sum_row <= kFewSums) {
      SumAll(g, m, channel, image);
    } else {
      SumPicked(g, m, channel, image);
    }
  }
}

/// sums[i] += more[i]
void AddSums(const float* more, Index count, float* sums) {
  const SumTag d;
  for (Index i = 0; i < count; i += static_cast<Index>(hn::MaxLanes(d))) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::LoadU(d, more + i)), d, sums + i);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(AddImage);
HWY_EXPORT(AddSums);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

/// Floats of a filter's row, in whole vectors.
Index sum_row(const ConvPoolGeometry& g) { return round_up(g.kw * g.ic, kSumLanes); }
/// Floats before a row, so that its first pixel behind the padding is aligned.
Index lead(const ConvPoolGeometry& g) { return round_up(g.pl * g.ic, kSumLanes) - g.pl * g.ic; }
/// A filter's row in one vector: each row of the image lies there twice, once moved by half a line, so that every load
/// can stay within a line.
bool twice(const ConvPoolGeometry& g) { return sum_row(g) == kSumLanes; }
/// Otherwise an image without padding is read where it is, except the batch's last, behind which there is nothing.
bool in_place(const ConvPoolGeometry& g) { return !g.padded && !twice(g); }
/// Floats of a row of the image with what a vector may read behind it, in whole lines.
Index line_row(const ConvPoolGeometry& g) {
  return in_place(g) ? g.row : round_up(lead(g) + g.row + kSumLanes, kMostLanes);
}

Index image_floats(const ConvPoolGeometry& g) {
  return round_up(g.rows * line_row(g) * (twice(g) ? 2 : 1) + kSumLanes, kMostLanes);
}
Index window_floats(const ConvPoolGeometry& g) { return round_up(g.oh * g.ow * kChannelBlock, kMostLanes); }
Index picked_floats(const ConvPoolGeometry& g) { return round_up(g.oh * g.ow + 1, kMostLanes); }
Index sum_floats(const ConvPoolGeometry& g) { return round_up(g.oc * g.kh * sum_row(g) + g.lanes_oc, kMostLanes); }

}  // namespace

Index WeightSums::floats(const ConvPoolGeometry& g) {
  return image_floats(g) + 2 * window_floats(g) + 2 * picked_floats(g) + round_up(4 * g.ow, kMostLanes) + sum_floats(g);
}

WeightSums::WeightSums(const ConvPoolGeometry& g, float* memory) : g_(&g) {
  m_.image = memory;
  m_.gradients = m_.image + image_floats(g);
  m_.offsets = reinterpret_cast<std::int32_t*>(m_.gradients + window_floats(g));
  m_.picked = reinterpret_cast<float*>(m_.offsets + window_floats(g));
  m_.picked_offsets = reinterpret_cast<std::int32_t*>(m_.picked + picked_floats(g));
  m_.columns = m_.picked_offsets + picked_floats(g);
  m_.sums = reinterpret_cast<float*>(m_.columns + round_up(4 * g.ow, kMostLanes));
  m_.bias = m_.sums + g.oc * g.kh * sum_row(g);
  m_.row = line_row(g) * (twice(g) ? 2 : 1);
  m_.sum_row = sum_row(g);
  m_.lead = lead(g);
  m_.second = twice(g) ? line_row(g) + kSumLanes : 0;
}

void WeightSums::clear() {
  const ConvPoolGeometry& g = *g_;
  std::fill_n(m_.image, image_floats(g), 0.0F);
  std::fill_n(m_.sums, sum_floats(g), 0.0F);
  for (Index x = 0; x < 2 * g.ow; ++x) {
    Index column = m_.lead + x * g.ic;
    if (twice(g) && column % kMostLanes > kSumLanes) column += m_.second;
    std::int32_t* const of_window = m_.columns + x / 2 * 4 + x % 2;
    of_window[0] = static_cast<std::int32_t>(column);
    of_window[2] = static_cast<std::int32_t>(column + m_.row);
  }
}

void WeightSums::add_image(const float* src, bool is_last, const float* grad_dst, Index room,
                           const std::uint8_t* taps) {
  HWY_DYNAMIC_DISPATCH(AddImage)(*g_, m_, src, in_place(*g_) && !is_last, grad_dst, room, taps);
}

void WeightSums::add(const WeightSums& other) {
  HWY_DYNAMIC_DISPATCH(AddSums)(other.m_.sums, sum_floats(*g_), m_.sums);
}

void WeightSums::store(float* grad_weight, float* grad_bias) const {
  const Index taps = g_->kw * g_->ic;
  for (Index kh = 0; kh < g_->kh; ++kh) {
    for (Index k = 0; k < taps; ++k) {
      float* const to = grad_weight + (kh * taps + k) * g_->oc;
      for (Index o = 0; o < g_->oc; ++o) to[o] = m_.sums[(o * g_->kh + kh) * m_.sum_row + k];
    }
  }
  if (grad_bias != nullptr) std::copy_n(m_.bias, g_->oc, grad_bias);
}

}  // namespace saccade::kernels::simd
#endif
