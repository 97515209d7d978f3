#include "saccade/kernels/conv2d/pixels_simd.h"

#include <algorithm>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/conv2d/pixels.h"
#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv2d/pixels_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv2d/pixels_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

void ConvolvePixels(const Pixels& p) { PixelChannels(p); }

Index PixelLanes() { return static_cast<Index>(hn::Lanes(FloatTag())); }

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(ConvolvePixels);
HWY_EXPORT(PixelLanes);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

constexpr Index kMostPixels = 64;  // of an image: above, oneDNN's convolution is as fast
constexpr Index kLeastTasks = 8;   // pixels are cut where blocks of channels make fewer tasks
constexpr Index kTile = 8;         // pixels computed side by side
// A task's part of src is to stay in the second-level cache while one block of channels after the other reads it.
constexpr Index kCachedFloats = (Index{256} << 10) / isize(sizeof(float));

class PixelsConv2D final : public Conv2DKernel {
 public:
  explicit PixelsConv2D(const Conv2DProblem& p)
      : p_(p),
        pixels_(p.n * p.ih * p.iw),
        blocks_(p.oc, HWY_DYNAMIC_DISPATCH(PixelLanes)()),
        bounds_(*bounds_of(p.activation)),
        weight_(usize(p.ic * p.oc) * sizeof(float)) {
    const Index tiles = ceil_divide(pixels_, kTile);
    const Index for_cache = ceil_divide(pixels_ * p.ic, kCachedFloats);
    const Index for_tasks = ceil_divide(kLeastTasks, blocks_.count());
    pixels_a_task_ = ceil_divide(tiles, std::min(tiles, std::max(for_cache, for_tasks))) * kTile;
  }

  void run(const Conv2DBuffers& b) override {
    float* const weight = floats_at(weight_.bytes(), 0);
    if (!is_kept_) blocks_.arrange(b.weight.data(), p_.ic, weight);
    is_kept_ = true;
    parallel_for(ceil_divide(pixels_, pixels_a_task_) * blocks_.count(), [&](Index task) {
      const ChannelRange channels = blocks_[task % blocks_.count()];
      const Index first = task / blocks_.count() * pixels_a_task_;
      HWY_DYNAMIC_DISPATCH(ConvolvePixels)
      ({.src = b.src.data() + first * p_.ic,
        .weight = weight + p_.ic * channels.first,
        .bias = p_.bias ? b.bias.data() + channels.first : nullptr,
        .dst = b.dst.data() + first * p_.oc + channels.first,
        .pixels = std::min(pixels_a_task_, pixels_ - first),
        .ic = p_.ic,
        .channels = channels.size(),
        .weight_step = channels.size(),
        .dst_step = p_.oc,
        .bounds = bounds_});
    });
  }

 private:
  Conv2DProblem p_;
  Index pixels_;
  Index pixels_a_task_ = 1;
  ChannelBlocks blocks_;
  Bounds bounds_;
  AlignedBuffer weight_;  // from the first run on
  bool is_kept_ = false;
};

}  // namespace

std::string decline_pixels(const Conv2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (p.groups != 1) return "it is grouped";
  const bool single = p.kh == 1 && p.kw == 1 && p.sh == 1 && p.sw == 1 && p.ph == Pads{} && p.pw == Pads{};
  if (!single) return "the filter is not 1 x 1, with stride 1";
  if (p.pass != Pass::forward) return "it is for forward passes alone";
  if (!p.constant_weight) return "the weights may change";
  if (p.ih * p.iw > kMostPixels) return "the image has more than 64 pixels";
  if (!bounds_of(p.activation)) return "its activation is not linear, relu or relu6";
  if (p.oc < kMostLanes) return "there are fewer channels than fill a vector";
  return {};
}

std::unique_ptr<Conv2DKernel> make_pixels(const Conv2DProblem& p) { return std::make_unique<PixelsConv2D>(p); }

}  // namespace saccade::kernels::simd
#endif
