#pragma once
#include <algorithm>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/scratch.h"

namespace saccade::kernels {

/// Why a sweep does not take the problem's normalisations, or "".
inline std::string decline_norms(const Conv2DProblem& p) {
  if ((p.norm || p.grad_norm) && p.bias) return "it has a bias beside a normalisation";
  if (p.norm) {
    if (std::string reason = simd::decline_channel_norm(p.ic, *p.norm); !reason.empty()) return reason;
  }
  return p.grad_norm ? simd::decline_channel_norm(p.oc, Activation::linear) : "";
}

/// Conv2DBuffers::norm_sums, added up by tasks, each of which has its own part of the scratch memory.
class NormSums {
 public:
  NormSums(const Conv2DProblem& p, Index tasks, ScratchLayout& scratch)
      : tasks_(p.norm ? tasks : 0), count_(2 * p.ic), stride_(round_up(count_, kLineDoubles)) {
    offset_ = scratch.add(tasks_ * stride_ * isize(sizeof(double)));
  }

  /// A task's sums, zero at first; null where there are none.
  double* begin(const Conv2DBuffers& b, Index task) const {
    if (tasks_ == 0) return nullptr;
    double* const sums = of_task(b, task);
    std::fill_n(sums, count_, 0.0);
    return sums;
  }

  void combine(const Conv2DBuffers& b) const {
    if (tasks_ == 0) return;
    std::copy_n(of_task(b, 0), count_, b.norm_sums.begin());
    for (Index task = 1; task < tasks_; ++task) {
      const double* const sums = of_task(b, task);
      for (Index i = 0; i < count_; ++i) b.norm_sums[usize(i)] += sums[i];
    }
  }

 private:
  static constexpr Index kLineDoubles = 8;

  double* of_task(const Conv2DBuffers& b, Index task) const {
    return reinterpret_cast<double*>(b.scratch.data() + offset_) + task * stride_;
  }

  Index tasks_, count_, stride_;
  Index offset_ = 0;
};

}  // namespace saccade::kernels
