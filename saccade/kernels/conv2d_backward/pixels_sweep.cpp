#include "saccade/kernels/conv2d_backward/pixels_sweep.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/conv2d_backward/bias_gradient_internal.h"
#include "saccade/kernels/conv2d_backward/norms_internal.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"
#include "saccade/kernels/permute/permute.h"
#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

// After simd.h, which says what is built.
#include <hwy/cache_control.h>

namespace saccade::kernels {
namespace {

constexpr Index kLine = 16;   // floats of a cache line
constexpr Index kBlock = 32;  // Pixels of one product.
// A task has sums of its own. There are so many at most, and none has fewer pixels, the last one apart.
constexpr Index kMostTasks = 32;
constexpr Index kLeastPixels = 1024;
// Filters that oneDNN does not multiply faster, in weights: those that make channels more, and those that make them
// fewer. Where a normalisation's walks are spared, too, there is more to win.
constexpr Index kMostWidening = 65536, kMostNarrowing = 16384, kMostNormed = 65536;

Index most_weights(const Conv2DProblem& p) {
  if (p.norm) return kMostNormed;
  return p.ic > p.oc ? kMostNarrowing : kMostWidening;
}

std::unique_ptr<PermuteKernel> exchange_of(Index rows, Index columns) {
  const PermuteProblem problem{.extents = {rows, columns}, .order = {1, 0}};
  return choose(permute_implementations(), problem).kernel;
}

/// Of src and grad_dst, the matrix [pixels, channels] that has more channels, and the other.
struct WideAndNarrow {
  const float *wide, *narrow;
};

/// The products of so many pixels.
class BlockProducts {
 public:
  BlockProducts(const Conv2DProblem& p, Index pixels)
      : wide_(std::max(p.ic, p.oc)),
        narrow_(std::min(p.ic, p.oc)),
        pixels_(pixels),
        data_({.rows = pixels, .columns = p.ic, .inner = p.oc, .a_stride = p.oc, .b_stride = p.ic, .c_stride = p.ic}),
        weights_({.rows = narrow_,
                  .columns = wide_,
                  .inner = pixels,
                  .a_stride = narrow_,
                  .b_stride = wide_,
                  .c_stride = wide_,
                  .a_transposed = true,
                  .add = true,
                  .fetches = true}) {}

  /// sums [narrow, wide] += narrow^T * wide, and grad_src = grad_dst * exchanged. The `next` block is brought nearer meanwhile.
  void operator()(const WideAndNarrow& block, const WideAndNarrow& next, float* sums, const float* grad_dst,
                  const float* exchanged, float* grad_src) const {
    const Index half = pixels_ / 2 * narrow_;
    fetch(next.narrow, half);
    weights_(block.narrow, block.wide, sums, next.wide);
    fetch(next.narrow + half, pixels_ * narrow_ - half);
    data_(grad_dst, exchanged, grad_src);
  }

 private:
  static void fetch(const float* from, Index count) {
    for (Index i = 0; i < count; i += kLine) hwy::Prefetch(from + i);
  }

  Index wide_, narrow_, pixels_;
  SmallGemm data_, weights_;
};

class PixelsSweep final : public Conv2DKernel {
 public:
  explicit PixelsSweep(const Conv2DProblem& p)
      : p_(p),
        narrows_(p.ic > p.oc),
        pixels_(p.n * p.ih * p.iw),
        task_pixels_(round_up(std::max(kLeastPixels, ceil_divide(pixels_, kMostTasks)), kBlock)),
        tasks_(ceil_divide(pixels_, task_pixels_)),
        sums_stride_(round_up(p.weight_elements(), kLine)),
        whole_(p, kBlock),
        last_(p, pixels_ - (ceil_divide(pixels_, kBlock) - 1) * kBlock),
        exchange_weight_(exchange_of(p.ic, p.oc)),
        bias_(p, scratch_),
        norm_sums_(p, tasks_, scratch_) {
    if (narrows_) exchange_sums_ = exchange_of(p.oc, p.ic);
    slots_ = p.norm || p.grad_norm ? std::min<Index>(thread_count(), tasks_) : tasks_;
    if (p.norm) normalised_ = scratch_.add(slots_ * kBlock * p.ic * kFloatBytes);
    if (p.grad_norm) grad_ = scratch_.add(slots_ * kBlock * p.oc * kFloatBytes);
    exchanged_ = scratch_.add(p.weight_elements() * kFloatBytes);
    sums_ = scratch_.add(tasks_ * sums_stride_ * kFloatBytes);
  }

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const Conv2DBuffers& b) override {
    const std::span<float> exchanged(floats_at(b.scratch, exchanged_), b.weight.size());
    exchange_weight_->run({.src = b.weight, .dst = exchanged});
    parallel_slots(slots_, tasks_, [&](Index slot, Index task) { run_task(b, slot, task, exchanged.data()); });
    norm_sums_.combine(b);
    float* const sums = floats_at(b.scratch, sums_);
    float* const total = narrows_ ? sums : b.grad_weight.data();
    parallel_ranges(p_.weight_elements(), kGrain, [&](Index begin, Index end) {
      if (total != sums) std::copy(sums + begin, sums + end, total + begin);
      for (Index task = 1; task < tasks_; ++task) {
        const float* const of_task = sums + task * sums_stride_;
        for (Index i = begin; i < end; ++i) total[i] += of_task[i];
      }
    });
    if (narrows_) exchange_sums_->run({.src = std::span(total, b.weight.size()), .dst = b.grad_weight});
    bias_.run(b);
  }

 private:
  static constexpr Index kGrain = 4096;  // weights a thread adds up at a time

  void run_task(const Conv2DBuffers& b, Index slot, Index task, const float* exchanged) const {
    float* const sums = floats_at(b.scratch, sums_) + task * sums_stride_;
    std::fill_n(sums, p_.weight_elements(), 0.0F);
    double* const norm_sums = norm_sums_.begin(b, task);
    float* const normalised = p_.norm ? floats_at(b.scratch, normalised_) + slot * kBlock * p_.ic : nullptr;
    float* const grad = p_.grad_norm ? floats_at(b.scratch, grad_) + slot * kBlock * p_.oc : nullptr;
    const auto of = [&](const float* src, const float* grad_dst) {
      return narrows_ ? WideAndNarrow{src, grad_dst} : WideAndNarrow{grad_dst, src};
    };
    const Index end = std::min((task + 1) * task_pixels_, pixels_);
    for (Index pixel = task * task_pixels_; pixel < end; pixel += kBlock) {
      const Index count = std::min(kBlock, pixels_ - pixel);
      const float *const src = b.src.data() + pixel * p_.ic, *const grad_dst = b.grad_dst.data() + pixel * p_.oc;
      const float *used_src = src, *used_grad = grad_dst;
      if (p_.norm) {
        simd::normalise_rows(count, p_.ic, *p_.norm, src, b.norm, normalised);
        used_src = normalised;
      }
      if (p_.grad_norm) {
        simd::normalise_gradient_rows(count, p_.oc, grad_dst, b.dst_in.data() + pixel * p_.oc, b.grad_norm, grad);
        used_grad = grad;
      }
      const Index ahead = pixel + 2 * kBlock <= pixels_ ? kBlock : 0;
      float* const grad_src = b.grad_src.data() + pixel * p_.ic;
      (count == kBlock ? whole_ : last_)(of(used_src, used_grad), of(src + ahead * p_.ic, grad_dst + ahead * p_.oc),
                                         sums, used_grad, exchanged, grad_src);
      if (p_.norm) {
        simd::mask_gradient_rows(*p_.norm, b.norm,
                                 {.rows = count,
                                  .c = p_.ic,
                                  .src = src,
                                  .grad = grad_src,
                                  .to = grad_src,
                                  .streams = false,
                                  .sums = norm_sums});
      }
    }
  }

  Conv2DProblem p_;
  bool narrows_;  // Sums are [oc, ic] then.
  Index pixels_, task_pixels_, tasks_;
  Index sums_stride_;
  BlockProducts whole_, last_;
  std::unique_ptr<PermuteKernel> exchange_weight_, exchange_sums_;
  ScratchLayout scratch_;
  BiasGradient bias_;
  NormSums norm_sums_;
  Index slots_ = 1;  // beside norms threads, each with memory for a block
  Index exchanged_ = 0, sums_ = 0, normalised_ = 0, grad_ = 0;
};

}  // namespace

std::string decline_pixels_sweep(const Conv2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (p.kh != 1 || p.kw != 1 || p.sh != 1 || p.sw != 1) return "the filter is more than a pixel";
  if (p.ph != Pads{} || p.pw != Pads{}) return "it is padded";
  if (p.groups != 1) return "it is grouped";
  if (p.n * p.ih * p.iw < kLeastPixels) return "there are too few pixels";
  if (p.weight_elements() > most_weights(p)) return "there are too many channels";
  if (std::string reason = decline_norms(p); !reason.empty()) return reason;
  return SmallGemm::decline();
}

std::unique_ptr<Conv2DKernel> make_pixels_sweep(const Conv2DProblem& p) { return std::make_unique<PixelsSweep>(p); }

}  // namespace saccade::kernels
