#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d_simd.h"

#include <algorithm>
#include <optional>

#include "saccade/base/parallel.h"
#include "saccade/kernels/conv2d/depthwise_row.h"
#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_depthwise2d/conv_depthwise2d_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv2d/depthwise_row_internal.h"

#ifndef SACCADE_KERNELS_CONV_DEPTHWISE2D_SIMD
#define SACCADE_KERNELS_CONV_DEPTHWISE2D_SIMD
namespace saccade::kernels {
namespace {

/// Neighbouring pixels, and some of the channels that the convolution of single pixels makes of them.
struct Pixels {
  const float* src;     // [pixels, ic]
  const float* weight;  // [ic, channels]
  const float* bias;    // [channels], or none
  float* dst;           // [pixels, channels], dense
  Index pixels, ic;
  Index channels;     // at least a vector of them
  Index weight_step;  // floats from one row of the weight to the next
  Bounds bounds;      // of the result
};

constexpr Index kVectors = 3;  // of channels, whose sums are in registers side by side

}  // namespace
}  // namespace saccade::kernels
#endif

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
    float* const dst = p.dst + (pixel + static_cast<Index>(x)) * p.channels + channel;
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

void ComputePixels(const Pixels& p) {
  const BoundVectors bounds = VectorsOf(p.bounds);
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  Index channel = 0;
  for (; channel + kVectors * lanes <= p.channels; channel += kVectors * lanes) {
    PixelColumns<kVectors>(p, channel, bounds);
  }
  for (; channel + 2 * lanes <= p.channels; channel += 2 * lanes) PixelColumns<2>(p, channel, bounds);
  for (; channel + lanes <= p.channels; channel += lanes) PixelColumns<1>(p, channel, bounds);
  // The last vector goes back as far as it must to be whole: what is written twice is the same.
  if (channel < p.channels) PixelColumns<1>(p, p.channels - lanes, bounds);
}

void ComputeRowOfChannels(const DepthwiseRow& r) { ComputeRow(r); }

Index FloatLanes() { return static_cast<Index>(hn::Lanes(FloatTag())); }

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(ComputePixels);
HWY_EXPORT(ComputeRowOfChannels);
HWY_EXPORT(FloatLanes);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

// What lies between the convolutions is to stay in the second-level cache: so many floats, but the rows of a window.
constexpr Index kCachedFloats = (Index{256} << 10) / isize(sizeof(float));
// Channels that a task computes: three of the widest vectors.
constexpr Index kBlockChannels = kVectors * kMostLanes;
// Images are cut into ranges of rows only where blocks of channels make fewer tasks than that: a range computes some rows of its
// neighbours, too.
constexpr Index kLeastTasks = 6;

/// Channels first .. last-1.
struct Range {
  Index first, last;
  Index size() const { return last - first; }
};

class SimdConvDepthwise2D final : public ConvDepthwise2DKernel {
 public:
  explicit SimdConvDepthwise2D(const ConvDepthwise2DProblem& p)
      : p_(p),
        oh_(p.oh()),
        ow_(p.ow()),
        lanes_(HWY_DYNAMIC_DISPATCH(FloatLanes)()),
        blocks_(ceil_divide(p.oc / lanes_, kBlockChannels / lanes_)),
        whole_(whole_windows(p.iw, p.kw, p.sw, 1, p.pw, ow_)),
        bounds_(*bounds_of(p.activation)) {
    while (p.n * blocks_ * ranges_ < kLeastTasks && 2 * ranges_ <= oh_) ranges_ *= 2;
    for (Index block = 0; block < blocks_; ++block) most_channels_ = std::max(most_channels_, channels(block).size());
    const Index in_rows = kCachedFloats / (p.iw * most_channels_);
    rows_at_once_ = std::clamp<Index>((in_rows - p.kh) / p.sh + 1, 1, ceil_divide(oh_, ranges_));
    slots_ = std::min<Index>(thread_count(), p.n * blocks_ * ranges_);
    slot_floats_ = round_up(((rows_at_once_ - 1) * p.sh + p.kh) * p.iw * most_channels_, kLine);
    between_ = scratch_.add(slots_ * slot_floats_ * isize(sizeof(float)));
    if (p.constant_weight) kept_weight_.emplace(p.ic * p.oc * isize(sizeof(float)));
  }

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const ConvDepthwise2DBuffers& b) override {
    if (kept_weight_ && !is_kept_) keep(b.weight.data());
    parallel_slots(slots_, p_.n * blocks_ * ranges_, [&](Index slot, Index task) {
      const Index block = task / ranges_ % blocks_, rows = ceil_divide(oh_, ranges_);
      const Index first = task % ranges_ * rows;
      run_range(b, task / (ranges_ * blocks_), channels(block), {first, std::min(first + rows, oh_)},
                floats_at(b.scratch, between_) + slot * slot_floats_);
    });
  }

 private:
  static constexpr Index kLine = 16;  // floats of a cache line

  /// Whole vectors, but for the last block, which has the rest too.
  Range channels(Index block) const {
    const Index vectors = p_.oc / lanes_;
    const auto begin = [&](Index b) { return b * vectors / blocks_ * lanes_; };
    return {begin(block), block + 1 < blocks_ ? begin(block + 1) : p_.oc};
  }

  /// Brings the weight into the order in which it is read: block after block, [ic, channels] each.
  void keep(const float* weight) {
    for (Index block = 0; block < blocks_; ++block) {
      const Range c = channels(block);
      float* to = kept_floats() + p_.ic * c.first;
      for (Index i = 0; i < p_.ic; ++i, to += c.size()) std::copy_n(weight + i * p_.oc + c.first, c.size(), to);
    }
    is_kept_ = true;
  }
  float* kept_floats() { return floats_at(kept_weight_->bytes(), 0); }

  /// Rows of `between` that rows first .. last-1 of the output are made of.
  Range rows_for(Range out) const {
    const Index first = std::clamp<Index>(out.first * p_.sh - p_.ph.before, 0, p_.ih);
    const Index last = std::clamp<Index>((out.last - 1) * p_.sh - p_.ph.before + p_.kh, first, p_.ih);
    return {first, last};
  }

  /// Some rows and channels of the output of an image.
  void run_range(const ConvDepthwise2DBuffers& b, Index image, Range channels, Range rows, float* between) {
    const Index row_floats = p_.iw * channels.size();
    Range there{0, 0};  // rows that `between` holds
    for (Index first = rows.first; first < rows.last; first += rows_at_once_) {
      const Range out{first, std::min(first + rows_at_once_, rows.last)};
      const Range wanted = rows_for(out);
      const Index kept = std::clamp<Index>(there.last - wanted.first, 0, wanted.size());
      if (kept > 0 && wanted.first > there.first) {
        std::copy_n(between + (wanted.first - there.first) * row_floats, kept * row_floats, between);
      }
      there = wanted;
      const Index next = wanted.first + kept;
      HWY_DYNAMIC_DISPATCH(ComputePixels)
      ({.src = b.src.data() + (image * p_.ih + next) * p_.iw * p_.ic,
        .weight = kept_weight_ ? kept_floats() + p_.ic * channels.first : b.weight.data() + channels.first,
        .bias = p_.bias ? b.bias.data() + channels.first : nullptr,
        .dst = between + kept * row_floats,
        .pixels = (wanted.last - next) * p_.iw,
        .ic = p_.ic,
        .channels = channels.size(),
        .weight_step = kept_weight_ ? channels.size() : p_.oc,
        .bounds = bounds_});
      for (Index row = out.first; row < out.last; ++row) run_row(b, image, channels, row, between, there);
    }
  }

  void run_row(const ConvDepthwise2DBuffers& b, Index image, Range channels, Index row, const float* between,
               Range there) const {
    const Index top = row * p_.sh - p_.ph.before;
    const Range taps = rows_for({row, row + 1});
    const Index row_floats = p_.iw * channels.size();
    HWY_DYNAMIC_DISPATCH(ComputeRowOfChannels)
    ({.src = between + (taps.first - there.first) * row_floats,
      .weight = b.depthwise_weight.data() + (taps.first - top) * p_.kw * p_.oc + channels.first,
      .bias = p_.bias ? b.depthwise_bias.data() + channels.first : nullptr,
      .dst = b.dst.data() + (image * oh_ + row) * ow_ * p_.oc + channels.first,
      .rows = taps.size(),
      .row_stride = row_floats,
      .channels = channels.size(),
      .src_step = channels.size(),
      .weight_step = p_.oc,
      .dst_step = p_.oc,
      .ow = ow_,
      .iw = p_.iw,
      .sw = p_.sw,
      .pad = p_.pw.before,
      .whole = whole_,
      .bounds = bounds_});
  }

  ConvDepthwise2DProblem p_;
  Index oh_, ow_, lanes_;
  Index blocks_, ranges_ = 1;  // of channels, and of an image's rows
  Index most_channels_ = 0, rows_at_once_ = 1;
  WholeWindows whole_;  // columns
  Bounds bounds_;
  Index slots_ = 1, slot_floats_ = 0;  // parts of the scratch memory
  ScratchLayout scratch_;
  Index between_ = 0;
  std::optional<OwnScratch> kept_weight_;  // of a constant weight, from the first run on
  bool is_kept_ = false;
};

}  // namespace

std::string decline_conv_depthwise2d(const ConvDepthwise2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (!bounds_of(p.activation)) return "its activation is not linear, relu or relu6";
  if (p.kw != kDepthwiseTaps || p.sw > 2) return "the filter is not three wide, with stride 1 or 2";
  if (p.oc < kMostLanes) return "there are fewer channels than fill a vector";
  return {};
}

std::unique_ptr<ConvDepthwise2DKernel> make_conv_depthwise2d(const ConvDepthwise2DProblem& p) {
  return std::make_unique<SimdConvDepthwise2D>(p);
}

}  // namespace saccade::kernels::simd
#endif
