#include "saccade/kernels/conv2d/pixel_products.h"

#include <algorithm>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/in_place_internal.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"
#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

// After simd.h, which says what is built.
#include <hwy/cache_control.h>

namespace saccade::kernels {
namespace {

constexpr Index kLine = 16;           // floats of a cache line
constexpr Index kBlock = 8;           // Pixels of one product.
constexpr Index kTaskFloats = 32768;  // Of src and dst together: a task's activation finds them in the second cache.
// With fewer pixels or channels, or larger filters, oneDNN is as fast.
constexpr Index kLeastPixels = 1024, kLeastChannels = 8, kMostWeights = 4000;
// Where it also saves the walk of a normalisation.
constexpr Index kMostNormedWeights = 65536;

class PixelProducts final : public Conv2DKernel {
 public:
  explicit PixelProducts(const Conv2DProblem& p)
      : p_(p),
        pixels_(p.n * p.ih * p.iw),
        task_pixels_(round_up(kTaskFloats / (p.ic + p.oc) + 1, kBlock)),
        whole_(product(p, kBlock)),
        last_(product(p, pixels_ - (ceil_divide(pixels_, kBlock) - 1) * kBlock)) {
    for (Index first = 0; first < pixels_; first += task_pixels_) {
      activations_.emplace_back(p.activation, std::min(task_pixels_, pixels_ - first) * p.oc);
    }
    slots_ = isize(activations_.size());
    if (p.norm) slots_ = std::min<Index>(thread_count(), slots_);
  }

  Index scratch_bytes() const override { return p_.norm ? slots_ * kBlock * p_.ic * kFloatBytes : 0; }

  void run(const Conv2DBuffers& b) override {
    parallel_slots(slots_, isize(activations_.size()), [&](Index slot, Index task) {
      float* const normalised = p_.norm ? floats_at(b.scratch, slot * kBlock * p_.ic * kFloatBytes) : nullptr;
      const Index first = task * task_pixels_, end = std::min(first + task_pixels_, pixels_);
      for (Index pixel = first; pixel < end; pixel += kBlock)
        multiply(b, pixel, std::min(kBlock, end - pixel), normalised);
      activations_[usize(task)].run(b.dst.subspan(usize(first * p_.oc), usize((end - first) * p_.oc)));
    });
  }

 private:
  static SmallGemm product(const Conv2DProblem& p, Index pixels) {
    return SmallGemm({.rows = pixels,
                      .columns = p.oc,
                      .inner = p.ic,
                      .a_stride = p.ic,
                      .b_stride = p.oc,
                      .c_stride = p.oc,
                      .add = p.bias});
  }

  void multiply(const Conv2DBuffers& b, Index pixel, Index count, float* normalised) const {
    const float* src = b.src.data() + pixel * p_.ic;
    float* const dst = b.dst.data() + pixel * p_.oc;
    const Index next = std::min(kBlock, pixels_ - pixel - count);
    for (Index i = 0; !p_.norm && i < next * p_.ic; i += kLine) hwy::Prefetch(src + count * p_.ic + i);
    for (Index i = 0; p_.bias && i < count; ++i) std::copy(b.bias.begin(), b.bias.end(), dst + i * p_.oc);
    if (normalised != nullptr) {
      simd::normalise_rows(count, p_.ic, *p_.norm, src, b.norm, normalised);
      src = normalised;
    }
    (count == kBlock ? whole_ : last_)(src, b.weight.data(), dst);
  }

  Conv2DProblem p_;
  Index pixels_, task_pixels_;
  Index slots_ = 1;  // with a norm threads, each with memory for the pixels of a product
  SmallGemm whole_, last_;
  std::vector<InPlaceActivation> activations_;  // of each task
};

}  // namespace

std::string decline_pixel_products(const Conv2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  if (p.groups != 1) return "it is grouped";
  const bool single = p.kh == 1 && p.kw == 1 && p.sh == 1 && p.sw == 1 && p.ph == Pads{} && p.pw == Pads{};
  if (!single) return "the filter is not 1 x 1, with stride 1";
  if (p.pass != Pass::forward) return "it is for forward passes alone";
  if (p.constant_weight) return "the weights stay the same";
  if (p.n * p.ih * p.iw < kLeastPixels) return "there are too few pixels";
  if (std::min(p.ic, p.oc) < kLeastChannels) return "there are too few channels";
  if (p.norm) {
    if (std::string reason = simd::decline_channel_norm(p.ic, *p.norm); !reason.empty()) return reason;
  }
  if (p.weight_elements() > (p.norm ? kMostNormedWeights : kMostWeights)) return "there are too many channels";
  return SmallGemm::decline();
}

std::unique_ptr<Conv2DKernel> make_pixel_products(const Conv2DProblem& p) { return std::make_unique<PixelProducts>(p); }

}  // namespace saccade::kernels
