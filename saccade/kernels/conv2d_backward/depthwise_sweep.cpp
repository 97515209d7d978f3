#include "saccade/kernels/conv2d_backward/depthwise_sweep.h"

#include <algorithm>
#include <cstdint>

#include "saccade/base/parallel.h"
#include "saccade/kernels/conv2d_backward/bias_gradient_internal.h"
#include "saccade/kernels/conv2d_backward/norms_internal.h"
#include "saccade/kernels/conv2d_backward/swept_row.h"
#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv2d_backward/depthwise_sweep.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Calls op(channel, slot) for vectors that cover all channels. The last one goes back as far as it must to be whole: its results
/// are written twice, the same, but sums need a slot for every lane.
template <class Op>
HWY_INLINE void EachSlot(Index channels, Op&& op) {
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  Index first = 0;
  for (; first + lanes <= channels; first += lanes) op(first, first);
  if (first < channels) op(channels - lanes, first);
}

/// kPixels neighbouring pixels of the source, from the one that the first tap of window `window + 2 / kStride` meets: all windows
/// that see them exist. Each pixel of grad_dst is loaded once for all that it takes part in.
template <Index kStride, std::size_t kPixels>
HWY_INLINE void WholePixels(const SweptRow& r, Index pixel, Index window, Index channel, Index slot) {
  const FloatTag d;
  const float* const src = r.src + pixel * r.step + channel;
  FloatVector value[kPixels], gradient[kPixels];
#pragma GCC unroll 8
  for (std::size_t x = 0; x < kPixels; ++x) {
    const Index i = static_cast<Index>(x);
    value[x] = hn::LoadU(d, src + i * r.step);
    gradient[x] = hn::Zero(d);
    hwy::Prefetch(r.next_src + (pixel + i) * r.step + channel);
    if (i % kStride == 0) hwy::Prefetch(r.next_grad_dst + (window + (2 + i) / kStride) * r.step + channel);
  }
  for (std::size_t m = 0; m < r.count; ++m) {
    const SweptRow::Meeting& meeting = r.meetings[m];
    const float* const from = meeting.grad_dst + window * r.step + channel;
    FloatVector w[kSweptTaps], sum[kSweptTaps];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kSweptTaps; ++k) {
      w[k] = hn::LoadU(d, meeting.weight + static_cast<Index>(k) * r.step + channel);
      sum[k] = hn::LoadU(d, meeting.sums + static_cast<Index>(k) * r.slots + slot);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i * kStride < kPixels + kSweptTaps - 1; ++i) {
      const FloatVector grad = hn::LoadU(d, from + static_cast<Index>(i) * r.step);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kSweptTaps; ++k) {
        const std::size_t x = i * kStride + k - (kSweptTaps - 1);  // below the first pixel it is beyond the last
        if (x >= kPixels) continue;
        gradient[x] = hn::MulAdd(grad, w[k], gradient[x]);
        sum[k] = hn::MulAdd(grad, value[x], sum[k]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kSweptTaps; ++k) {
      hn::StoreU(sum[k], d, meeting.sums + static_cast<Index>(k) * r.slots + slot);
    }
  }
  float* const to = r.grad_src + pixel * r.step + channel;
  const auto each = [&](auto&& store) HWY_ATTR {
#pragma GCC unroll 8
    for (std::size_t x = 0; x < kPixels; ++x) store(gradient[x], to + static_cast<Index>(x) * r.step);
  };
  if (r.streams) {
    each([d](FloatVector v, float* at) HWY_ATTR { hn::Stream(v, d, at); });
  } else {
    each([d](FloatVector v, float* at) HWY_ATTR { hn::StoreU(v, d, at); });
  }
}

/// A pixel with the windows that exist.
template <Index kStride>
HWY_INLINE void OnePixel(const SweptRow& r, Index pixel, Index channel, Index slot) {
  const FloatTag d;
  const FloatVector value = hn::LoadU(d, r.src + pixel * r.step + channel);
  FloatVector gradient = hn::Zero(d);
  for (std::size_t m = 0; m < r.count; ++m) {
    const SweptRow::Meeting& meeting = r.meetings[m];
    for (Index k = 0; k < static_cast<Index>(kSweptTaps); ++k) {
      const Index distance = pixel + r.pad - k;
      if (distance < 0 || distance % kStride != 0 || distance / kStride >= r.ow) continue;
      const FloatVector grad = hn::LoadU(d, meeting.grad_dst + distance / kStride * r.step + channel);
      float* const sum = meeting.sums + k * r.slots + slot;
      gradient = hn::MulAdd(grad, hn::LoadU(d, meeting.weight + k * r.step + channel), gradient);
      hn::StoreU(hn::MulAdd(grad, value, hn::LoadU(d, sum)), d, sum);
    }
  }
  hn::StoreU(gradient, d, r.grad_src + pixel * r.step + channel);
}

template <Index kStride>
void SweepStridedRow(const SweptRow& r) {
  const auto one = [&](Index pixel) HWY_ATTR {
    EachSlot(r.channels, [&](Index channel, Index slot) HWY_ATTR { OnePixel<kStride>(r, pixel, channel, slot); });
  };
  // Pixel - pad is a multiple of the stride for those with which whole ones may begin.
  const Index left = 2 - r.pad, first = left < 0 ? left + (-left + kStride - 1) / kStride * kStride : left;
  const Index end = r.ow * kStride - r.pad, last = end < r.iw ? end : r.iw;
  Index pixel = 0;
  for (; pixel < first && pixel < r.iw; ++pixel) one(pixel);
  const auto whole = [&]<std::size_t kPixels>() HWY_ATTR {
    for (; pixel + static_cast<Index>(kPixels) <= last; pixel += static_cast<Index>(kPixels)) {
      const Index window = (pixel + r.pad - 2) / kStride;
      EachSlot(r.channels, [&](Index channel, Index slot)
                               HWY_ATTR { WholePixels<kStride, kPixels>(r, pixel, window, channel, slot); });
    }
  };
  if constexpr (HWY_CAP_GE512) whole.template operator()<8>();
  whole.template operator()<4>();
  whole.template operator()<kStride>();
  for (; pixel < r.iw; ++pixel) one(pixel);
}

void SweepRow(const SweptRow& r, Index stride) { stride == 1 ? SweepStridedRow<1>(r) : SweepStridedRow<2>(r); }

void AddTapSums(const TapSums& t) {
  const FloatTag d;
  EachSlot(t.channels, [&](Index channel, Index slot) HWY_ATTR {
    FloatVector sum = hn::LoadU(d, t.sums + slot);
    for (Index task = 1; task < t.tasks; ++task) {
      sum = hn::Add(sum, hn::LoadU(d, t.sums + task * t.task_stride + slot));
    }
    hn::StoreU(sum, d, t.grad_weight + channel);
  });
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(SweepRow);
HWY_EXPORT(AddTapSums);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

// A gradient so large is not in the cache any more when it is read again: written past it, its lines need not be read first.
constexpr Index kStreamedBytes = Index{8} << 20;
// A task takes so many floats of the source, all images' rows counted, and is one of so many at most: each has sums of its own.
constexpr Index kLeastFloats = 65536;
constexpr Index kMostTasks = 128;

class DepthwiseSweep final : public Conv2DKernel {
 public:
  explicit DepthwiseSweep(const Conv2DProblem& p)
      : p_(p),
        oh_(p.oh()),
        ow_(p.ow()),
        rows_a_task_(std::max(ceil_divide(p.n * p.ih, kMostTasks), ceil_divide(kLeastFloats, p.iw * p.ic))),
        tasks_(ceil_divide(p.n * p.ih, rows_a_task_)),
        channel_slots_(round_up(p.ic, kMostLanes)),
        task_stride_(p.kh * p.kw * channel_slots_),
        bias_(p, scratch_),
        norm_sums_(p, tasks_, scratch_) {
    sums_ = scratch_.add(tasks_ * task_stride_ * kFloatBytes);
    slots_ = p.norm || p.grad_norm ? std::min<Index>(thread_count(), tasks_) : tasks_;
    if (p.norm) row_ = scratch_.add(slots_ * 2 * p.iw * p.ic * kFloatBytes);
    if (p.grad_norm) ring_ = scratch_.add(slots_ * p.kh * ow_ * p.ic * kFloatBytes);
  }

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const Conv2DBuffers& b) override {
    float* const sums = floats_at(b.scratch, sums_);
    constexpr std::size_t kVectorBytes = usize(kMostLanes) * sizeof(float);
    const bool aligned = reinterpret_cast<std::uintptr_t>(b.grad_src.data()) % kVectorBytes == 0;
    const bool streams = aligned && p_.ic % kMostLanes == 0 && p_.src_elements() * kFloatBytes >= kStreamedBytes;
    parallel_slots(slots_, tasks_, [&](Index slot, Index task) {
      float* const of_task = sums + task * task_stride_;
      std::fill_n(of_task, task_stride_, 0.0F);
      Task t{.streams = streams, .sums = of_task, .norm_sums = norm_sums_.begin(b, task)};
      if (p_.norm) t.row = floats_at(b.scratch, row_) + slot * 2 * p_.iw * p_.ic;
      if (p_.grad_norm) t.ring = floats_at(b.scratch, ring_) + slot * p_.kh * ow_ * p_.ic;
      const Index last = std::min((task + 1) * rows_a_task_, p_.n * p_.ih);
      for (Index row = task * rows_a_task_; row < last; ++row) sweep(b, row, t);
      hwy::FlushStream();
    });
    norm_sums_.combine(b);
    parallel_for(p_.kh * p_.kw, [&](Index tap) {
      HWY_DYNAMIC_DISPATCH(AddTapSums)
      ({.sums = sums + tap * channel_slots_,
        .tasks = tasks_,
        .task_stride = task_stride_,
        .channels = p_.ic,
        .grad_weight = b.grad_weight.data() + tap * p_.ic});
    });
    bias_.run(b);
  }

 private:
  struct Task {
    bool streams;
    float* sums;
    double* norm_sums;
    float* row = nullptr;   // for a row of the source, normalised, and its gradient
    float* ring = nullptr;  // for as many rows of grad_dst as meet one of the source, normalised
    Index ring_end = 0;     // behind the last of them, among all images' rows
  };

  /// Row number `row` of all the images' rows.
  void sweep(const Conv2DBuffers& b, Index row, Task& task) const {
    const Index image = row / p_.ih, ih = row % p_.ih, next = std::min(row + 1, p_.n * p_.ih - 1);
    const auto src_at = [&](Index i) { return b.src.data() + i * p_.iw * p_.ic; };
    const auto grad_dst_at = [&](Index y) { return b.grad_dst.data() + (image * oh_ + y) * ow_ * p_.ic; };
    float* const grad_src = b.grad_src.data() + row * p_.iw * p_.ic;
    if (p_.norm) normalise_rows(p_.iw, p_.ic, *p_.norm, src_at(row), b.norm, task.row);
    SweptRow swept{.src = p_.norm ? task.row : src_at(row),
                   .grad_src = p_.norm ? task.row + p_.iw * p_.ic : grad_src,
                   .meetings = {},
                   .count = 0,
                   .channels = p_.ic,
                   .step = p_.ic,
                   .slots = channel_slots_,
                   .iw = p_.iw,
                   .ow = ow_,
                   .pad = p_.pw.before,
                   .streams = task.streams && !p_.norm,
                   .next_src = src_at(next),
                   .next_grad_dst = grad_dst_at(std::min((ih + 1 + p_.ph.before) / p_.sh, oh_ - 1))};
    for (Index kh = 0; kh < p_.kh; ++kh) {
      const Index distance = ih + p_.ph.before - kh * p_.dh, y = distance / p_.sh;
      if (distance < 0 || distance % p_.sh != 0 || y >= oh_) continue;
      swept.meetings[swept.count++] = {
          .grad_dst = p_.grad_norm ? normalised_gradient(b, image, y, task) : grad_dst_at(y),
          .weight = b.weight.data() + kh * p_.kw * p_.ic,
          .sums = task.sums + kh * p_.kw * channel_slots_};
    }
    HWY_DYNAMIC_DISPATCH(SweepRow)(swept, p_.sw);
    if (p_.norm) {
      mask_gradient_rows(*p_.norm, b.norm,
                         {.rows = p_.iw,
                          .c = p_.ic,
                          .src = src_at(row),
                          .grad = swept.grad_src,
                          .to = grad_src,
                          .streams = task.streams,
                          .sums = task.norm_sums});
    }
  }

  /// Row y of grad_dst as the normalisation behind passes it on, from the task's ring.
  const float* normalised_gradient(const Conv2DBuffers& b, Index image, Index y, Task& task) const {
    const Index floats = ow_ * p_.ic, row = image * oh_ + y;
    const auto at = [&](Index r) { return task.ring + r % p_.kh * floats; };
    // A row of the source meets kh of them at most, one behind the other, and the next one none before those.
    task.ring_end = std::max(task.ring_end, image * oh_ + std::max<Index>(y + 1 - p_.kh, 0));
    for (; task.ring_end <= row; ++task.ring_end) {
      normalise_gradient_rows(ow_, p_.ic, b.grad_dst.data() + task.ring_end * floats,
                              b.dst_in.data() + task.ring_end * floats, b.grad_norm, at(task.ring_end));
    }
    return at(row);
  }

  Conv2DProblem p_;
  Index oh_, ow_, rows_a_task_, tasks_;
  Index channel_slots_, task_stride_;
  Index slots_ = 1;  // beside norms threads, each with memory for rows
  ScratchLayout scratch_;
  Index sums_ = 0, row_ = 0, ring_ = 0;
  BiasGradient bias_;
  NormSums norm_sums_;
};

}  // namespace

std::string decline_depthwise_sweep(const Conv2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (p.groups == 1 || p.groups != p.ic || p.groups != p.oc) return "it is not depthwise";
  if (p.kw != isize(kSweptTaps) || p.dw != 1 || p.sw > 2) return "the filter is not three wide, with stride 1 or 2";
  if (p.kh > isize(kMostSweptRows)) return "the filter is too high";
  if (p.ic < kMostLanes) return "there are fewer channels than fill a vector";
  if (p.grad_norm && p.dh != 1) return "it normalises the gradients of neighbouring rows alone";
  return decline_norms(p);
}

std::unique_ptr<Conv2DKernel> make_depthwise_sweep(const Conv2DProblem& p) {
  return std::make_unique<DepthwiseSweep>(p);
}

}  // namespace saccade::kernels::simd
#endif
