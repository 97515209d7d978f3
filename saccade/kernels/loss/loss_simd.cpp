#include "saccade/kernels/loss/loss_simd.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "saccade/base/parallel.h"
#include "saccade/kernels/loss/reference.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/loss/loss_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/row-inl.h"
#include "saccade/kernels/simd/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Sums over one row of logits, shifted by the largest.
struct RowSums {
  double exponentials = 0.0;  ///< sum of exp(z - shift)
  double shifted = 0.0;       ///< sum of z - shift, or of target * (z - shift) for dense targets
  double targets = 0.0;       ///< sum of the dense targets
};

/// `targets` may be null; they are smoothed as t * keep + share. Leaves exp(z - shift) in `exponentials` unless null;
/// that may be z itself.
HWY_INLINE RowSums SumRow(const float* z, std::size_t classes, std::size_t room, float shift, const float* targets,
                          float keep, float share, float* exponentials) {
  const FloatTag d;
  const DoubleTag dd;
  const std::size_t lanes = hn::Lanes(d);
  DoubleVector sum_e = hn::Zero(dd), sum_z = hn::Zero(dd), sum_t = hn::Zero(dd);
  for (std::size_t i = 0; i < classes; i += lanes) {
    const std::size_t count = classes - i;
    const FloatVector raw = LoadPart(z + i, count, room - i, -std::numeric_limits<float>::infinity());
    const FloatVector x = hn::Sub(raw, hn::Set(d, shift));
    const FloatVector e = ExpNotPositive(x);
    sum_e = hn::Add(sum_e, hn::Add(LowerDoubles(e), UpperDoubles(e)));
    FloatVector term = hn::IfThenElseZero(hn::FirstN(d, std::min(count, lanes)), x);
    if (targets != nullptr) {
      const FloatVector given = LoadPart(targets + i, count, room - i, 0.0F);
      const FloatVector smoothed = hn::MulAdd(given, hn::Set(d, keep), hn::Set(d, share));
      const FloatVector t = hn::IfThenElseZero(hn::FirstN(d, std::min(count, lanes)), smoothed);
      sum_t = hn::Add(sum_t, hn::Add(LowerDoubles(t), UpperDoubles(t)));
      // A class nobody asks for adds nothing, even when its logit is minus infinity.
      term = hn::IfThenZeroElse(hn::Eq(t, hn::Zero(d)), hn::Mul(t, term));
    }
    sum_z = hn::Add(sum_z, hn::Add(LowerDoubles(term), UpperDoubles(term)));
    if (exponentials != nullptr) StorePart(e, exponentials + i, count, room - i);
  }
  return {hn::GetLane(hn::SumOfLanes(dd, sum_e)), hn::GetLane(hn::SumOfLanes(dd, sum_z)),
          hn::GetLane(hn::SumOfLanes(dd, sum_t))};
}

/// grad[c] = grad[c] * multiplier - targets[c] * scale - share
HWY_INLINE void FinishGradient(float* grad, std::size_t classes, std::size_t room, float multiplier,
                               const float* targets, float scale, float share) {
  const FloatTag d;
  for (std::size_t i = 0; i < classes; i += hn::Lanes(d)) {
    FloatVector value =
        hn::MulSub(LoadPart(grad + i, classes - i, room - i, 0.0F), hn::Set(d, multiplier), hn::Set(d, share));
    if (targets != nullptr) {
      value = hn::NegMulAdd(LoadPart(targets + i, classes - i, room - i, 0.0F), hn::Set(d, scale), value);
    }
    StorePart(value, grad + i, classes - i, room - i);
  }
}

/// Rows first .. last-1 of the batch.
void SoftmaxCrossEntropy(const LossProblem& problem, const LossBuffers& buffers, Index first, Index last) {
  const std::size_t classes = usize(problem.classes);
  const double smoothing = problem.label_smoothing;
  const double keep = 1.0 - smoothing;
  const double share = smoothing / static_cast<double>(problem.classes);
  for (std::size_t r = usize(first); r < usize(last); ++r) {
    const std::size_t room = (usize(last) - r) * classes;
    const float* z = buffers.prediction.data() + r * classes;
    const float* targets = buffers.targets.empty() ? nullptr : buffers.targets.data() + r * classes;
    float* grad = buffers.grad.empty() ? nullptr : buffers.grad.data() + r * classes;
    const double weight = reference::loss_weight(problem, buffers, r);
    const float shift = RowMax(z, classes, room);
    const std::size_t label = targets == nullptr ? usize(buffers.labels[r]) : 0;
    const double z_label = static_cast<double>(z[label]) - static_cast<double>(shift);

    const RowSums sums =
        SumRow(z, classes, room, shift, targets, static_cast<float>(keep), static_cast<float>(share), grad);
    const double log_sum = std::log(sums.exponentials);
    double loss = 0.0;
    if (targets != nullptr) {
      loss = sums.targets * log_sum - sums.shifted;
    } else {
      if (keep != 0.0) loss += keep * (log_sum - z_label);
      if (share != 0.0) loss += share * (static_cast<double>(classes) * log_sum - sums.shifted);
    }
    buffers.row_loss[r] = static_cast<float>(weight * loss);
    if (grad == nullptr) continue;

    const double factor = weight * static_cast<double>(buffers.scale);
    const double total = targets != nullptr ? sums.targets : 1.0;
    const double multiplier = factor * total / sums.exponentials;
    // The label's own entry is a difference of nearly equal numbers once the network is sure, so it is made in double.
    const double own = grad[label] * multiplier - factor * (keep + share);
    FinishGradient(grad, classes, room, static_cast<float>(multiplier), targets, static_cast<float>(factor * keep),
                   static_cast<float>(factor * share));
    if (targets == nullptr) grad[label] = static_cast<float>(own);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(SoftmaxCrossEntropy);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdLoss final : public LossKernel {
 public:
  explicit SimdLoss(const LossProblem& problem) : problem_(problem) {}

  void run(const LossBuffers& buffers) override {
    parallel_ranges(problem_.rows, rows_per_task(problem_.classes), [&](Index begin, Index end) {
      HWY_DYNAMIC_DISPATCH(SoftmaxCrossEntropy)(problem_, buffers, begin, end);
    });
  }

 private:
  LossProblem problem_;
};

}  // namespace

std::string decline(const LossProblem& problem) {
  return problem.kind == LossProblem::Kind::softmax_cross_entropy ? "" : "only softmax cross-entropy is vectorised";
}

std::unique_ptr<LossKernel> make(const LossProblem& problem) { return std::make_unique<SimdLoss>(problem); }

}  // namespace saccade::kernels::simd
#endif
