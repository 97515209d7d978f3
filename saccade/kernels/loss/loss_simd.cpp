#include "saccade/kernels/loss/loss_simd.h"

#include <cmath>
#include <limits>

#include "saccade/base/parallel.h"
#include "saccade/kernels/loss/reference.h"
#include "saccade/kernels/simd/simd.h"

#ifndef SACCADE_KERNELS_LOSS_SIMD_ONCE
#define SACCADE_KERNELS_LOSS_SIMD_ONCE
namespace saccade::kernels::simd {

struct LossRow {
  const float* z;        ///< Logits.
  const float* targets;  ///< Null for a sparse label.
  float* grad;           ///< Null when it is not wanted; may be z.
  std::size_t classes;
  std::size_t room;   ///< Floats from z, targets and grad on that may be touched.
  std::size_t label;  ///< 0 for dense targets.
  double smoothing;
  double factor;  ///< Of the gradient.
};

}  // namespace saccade::kernels::simd
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/loss/loss_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/row_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Sums over one row of logits, shifted by the largest.
struct RowSums {
  double exponentials = 0.0;  ///< sum of exp(z - shift)
  double shifted = 0.0;       ///< sum of z - shift, or of target * (z - shift) for dense targets
  double targets = 0.0;       ///< sum of the dense targets
};

/// Dense targets are smoothed as t * keep + share. Leaves exp(z - shift) in grad, when there is one.
HWY_INLINE RowSums SumRow(const simd::LossRow& row, float shift, float keep, float share) {
  const FloatTag d;
  const DoubleTag dd;
  const std::size_t lanes = hn::Lanes(d);
  DoubleVector sum_e = hn::Zero(dd), sum_z = hn::Zero(dd), sum_t = hn::Zero(dd);
  for (std::size_t i = 0; i < row.classes; i += lanes) {
    const std::size_t count = row.classes - i, room = row.room - i;
    const auto real = hn::FirstN(d, count < lanes ? count : lanes);
    const FloatVector raw = LoadPart(row.z + i, count, room, -std::numeric_limits<float>::infinity());
    const FloatVector x = hn::Sub(raw, hn::Set(d, shift));
    const FloatVector e = ExpNotPositive(x);
    sum_e = hn::Add(sum_e, hn::Add(LowerDoubles(e), UpperDoubles(e)));
    FloatVector term = hn::IfThenElseZero(real, x);
    if (row.targets != nullptr) {
      const FloatVector given = LoadPart(row.targets + i, count, room, 0.0F);
      const FloatVector t = hn::IfThenElseZero(real, hn::MulAdd(given, hn::Set(d, keep), hn::Set(d, share)));
      sum_t = hn::Add(sum_t, hn::Add(LowerDoubles(t), UpperDoubles(t)));
      // A class nobody asks for adds nothing, even when its logit is minus infinity.
      term = hn::IfThenZeroElse(hn::Eq(t, hn::Zero(d)), hn::Mul(t, term));
    }
    sum_z = hn::Add(sum_z, hn::Add(LowerDoubles(term), UpperDoubles(term)));
    if (row.grad != nullptr) StorePart(e, row.grad + i, count, room);
  }
  return {hn::GetLane(hn::SumOfLanes(dd, sum_e)), hn::GetLane(hn::SumOfLanes(dd, sum_z)),
          hn::GetLane(hn::SumOfLanes(dd, sum_t))};
}

/// grad[c] = grad[c] * multiplier - targets[c] * scale - share
HWY_INLINE void FinishGradient(const simd::LossRow& row, float multiplier, float scale, float share) {
  const FloatTag d;
  for (std::size_t i = 0; i < row.classes; i += hn::Lanes(d)) {
    const std::size_t count = row.classes - i, room = row.room - i;
    FloatVector value =
        hn::MulSub(LoadPart(row.grad + i, count, room, 0.0F), hn::Set(d, multiplier), hn::Set(d, share));
    if (row.targets != nullptr) {
      value = hn::NegMulAdd(LoadPart(row.targets + i, count, room, 0.0F), hn::Set(d, scale), value);
    }
    StorePart(value, row.grad + i, count, room);
  }
}

/// Returns the loss of one row without its weight.
double SoftmaxCrossEntropy(const simd::LossRow& row) {
  const double keep = 1.0 - row.smoothing;
  const double share = row.smoothing / static_cast<double>(row.classes);
  const float shift = RowMax(row.z, row.classes, row.room);
  const double z_label = static_cast<double>(row.z[row.label]) - static_cast<double>(shift);
  const RowSums sums = SumRow(row, shift, static_cast<float>(keep), static_cast<float>(share));
  const double log_sum = std::log(sums.exponentials);
  double loss = 0.0;
  if (row.targets != nullptr) {
    loss = sums.targets * log_sum - sums.shifted;
  } else {
    // Not 0 * infinity: without smoothing the other logits may be minus infinity.
    if (keep != 0.0) loss += keep * (log_sum - z_label);
    if (share != 0.0) loss += share * (static_cast<double>(row.classes) * log_sum - sums.shifted);
  }
  if (row.grad == nullptr) return loss;

  const double total = row.targets != nullptr ? sums.targets : 1.0;
  const double multiplier = row.factor * total / sums.exponentials;
  // The label's own entry is a difference of nearly equal numbers once the network is sure, so it is made in double.
  const double own = row.grad[row.label] * multiplier - row.factor * (keep + share);
  FinishGradient(row, static_cast<float>(multiplier), static_cast<float>(row.factor * keep),
                 static_cast<float>(row.factor * share));
  if (row.targets == nullptr) row.grad[row.label] = static_cast<float>(own);
  return loss;
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
      for (Index r = begin; r < end; ++r) {
        const double weight = reference::loss_weight(problem_, buffers, usize(r));
        const Index first = r * problem_.classes;
        const LossRow row{.z = buffers.prediction.data() + first,
                          .targets = buffers.targets.empty() ? nullptr : buffers.targets.data() + first,
                          .grad = buffers.grad.empty() ? nullptr : buffers.grad.data() + first,
                          .classes = usize(problem_.classes),
                          .room = usize((end - r) * problem_.classes),
                          .label = buffers.targets.empty() ? usize(buffers.labels[usize(r)]) : 0,
                          .smoothing = problem_.label_smoothing,
                          .factor = weight * static_cast<double>(buffers.scale)};
        const double loss = HWY_DYNAMIC_DISPATCH(SoftmaxCrossEntropy)(row);
        buffers.row_loss[usize(r)] = static_cast<float>(weight * loss);
      }
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
