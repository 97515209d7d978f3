#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d_simd.h"

#include <algorithm>
#include <optional>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/conv2d/depthwise_row.h"
#include "saccade/kernels/conv2d/pixels.h"
#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_depthwise2d/conv_depthwise2d_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv2d/depthwise_row_internal.h"
#include "saccade/kernels/conv2d/pixels_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

void ComputePixels(const Pixels& p) { PixelChannels(p); }

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
// Images are cut into ranges of rows only where blocks of channels make fewer tasks than that: a range computes some rows of its
// neighbours, too.
constexpr Index kLeastTasks = 6;

/// Rows first .. last-1.
struct RowRange {
  Index first, last;
  Index size() const { return last - first; }
};

class SimdConvDepthwise2D final : public ConvDepthwise2DKernel {
 public:
  explicit SimdConvDepthwise2D(const ConvDepthwise2DProblem& p)
      : p_(p),
        oh_(p.oh()),
        ow_(p.ow()),
        blocks_(p.oc, HWY_DYNAMIC_DISPATCH(FloatLanes)()),
        whole_(whole_windows(p.iw, p.kw, p.sw, 1, p.pw, ow_)),
        bounds_(*bounds_of(p.activation)) {
    while (p.n * blocks_.count() * ranges_ < kLeastTasks && 2 * ranges_ <= oh_) ranges_ *= 2;
    const Index row_floats = p.iw * blocks_.most();
    const Index in_rows = kCachedFloats / row_floats;
    rows_at_once_ = std::clamp<Index>((in_rows - p.kh) / p.sh + 1, 1, ceil_divide(oh_, ranges_));
    slots_ = std::min<Index>(thread_count(), p.n * blocks_.count() * ranges_);
    slot_floats_ = round_up(((rows_at_once_ - 1) * p.sh + p.kh) * row_floats, kLine);
    between_ = scratch_.add(slots_ * slot_floats_ * isize(sizeof(float)));
    if (p.constant_weight) kept_weight_.emplace(usize(p.ic * p.oc) * sizeof(float));
  }

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const ConvDepthwise2DBuffers& b) override {
    if (kept_weight_ && !is_kept_) blocks_.arrange(b.weight.data(), p_.ic, kept_floats());
    is_kept_ = true;
    parallel_slots(slots_, p_.n * blocks_.count() * ranges_, [&](Index slot, Index task) {
      const Index block = task / ranges_ % blocks_.count(), rows = ceil_divide(oh_, ranges_);
      const Index first = task % ranges_ * rows;
      run_range(b, task / (ranges_ * blocks_.count()), blocks_[block], {first, std::min(first + rows, oh_)},
                floats_at(b.scratch, between_) + slot * slot_floats_);
    });
  }

 private:
  static constexpr Index kLine = 16;  // floats of a cache line

  float* kept_floats() { return floats_at(kept_weight_->bytes(), 0); }

  /// Rows of `between` that rows first .. last-1 of the output are made of.
  RowRange rows_for(RowRange out) const {
    const Index first = std::clamp<Index>(out.first * p_.sh - p_.ph.before, 0, p_.ih);
    const Index last = std::clamp<Index>((out.last - 1) * p_.sh - p_.ph.before + p_.kh, first, p_.ih);
    return {first, last};
  }

  /// Some rows and channels of the output of an image.
  void run_range(const ConvDepthwise2DBuffers& b, Index image, ChannelRange channels, RowRange rows, float* between) {
    const Index row_floats = p_.iw * channels.size();
    RowRange there{0, 0};  // rows that `between` holds
    for (Index first = rows.first; first < rows.last; first += rows_at_once_) {
      const RowRange out{first, std::min(first + rows_at_once_, rows.last)};
      const RowRange wanted = rows_for(out);
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
        .dst_step = channels.size(),
        .bounds = bounds_});
      for (Index row = out.first; row < out.last; ++row) run_row(b, image, channels, row, between, there);
    }
  }

  void run_row(const ConvDepthwise2DBuffers& b, Index image, ChannelRange channels, Index row, const float* between,
               RowRange there) const {
    const Index top = row * p_.sh - p_.ph.before;
    const RowRange taps = rows_for({row, row + 1});
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
  Index oh_, ow_;
  ChannelBlocks blocks_;
  Index ranges_ = 1;  // of an image's rows
  Index rows_at_once_ = 1;
  WholeWindows whole_;  // columns
  Bounds bounds_;
  Index slots_ = 1, slot_floats_ = 0;  // parts of the scratch memory
  ScratchLayout scratch_;
  Index between_ = 0;
  std::optional<AlignedBuffer> kept_weight_;  // of a constant weight, from the first run on
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
