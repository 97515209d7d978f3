#include "saccade/kernels/softmax/softmax_simd.h"

#include <cmath>
#include <limits>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/softmax/softmax_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/row_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// The logarithms of softmax.
void LogSoftmaxForward(const float* src, float* dst, std::size_t rows, std::size_t classes) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t r = 0; r < rows; ++r, src += classes, dst += classes) {
    const std::size_t room = (rows - r) * classes;
    const FloatVector shift = hn::Set(d, RowMax(src, classes, room));
    FloatVector sums = hn::Zero(d);
    for (std::size_t i = 0; i < classes; i += lanes) {
      const FloatVector x = LoadPart(src + i, classes - i, room - i, -std::numeric_limits<float>::infinity());
      sums = hn::Add(sums, ExpNotPositive(hn::Sub(x, shift)));
    }
    const FloatVector log_sum = hn::Set(d, std::log(hn::GetLane(hn::SumOfLanes(d, sums))));
    for (std::size_t i = 0; i < classes; i += lanes) {
      const FloatVector x = LoadPart(src + i, classes - i, room - i, 0.0F);
      StorePart(hn::Sub(hn::Sub(x, shift), log_sum), dst + i, classes - i, room - i);
    }
  }
}

/// grad_src = grad_dst - exp(dst) * sum of grad_dst, row by row.
void LogSoftmaxBackward(const float* dst, const float* grad_dst, float* grad_src, std::size_t rows,
                        std::size_t classes) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t r = 0; r < rows; ++r, dst += classes, grad_dst += classes, grad_src += classes) {
    const std::size_t room = (rows - r) * classes;
    FloatVector sums = hn::Zero(d);
    for (std::size_t i = 0; i < classes; i += lanes) {
      sums = hn::Add(sums, LoadPart(grad_dst + i, classes - i, room - i, 0.0F));
    }
    const FloatVector sum = hn::SumOfLanes(d, sums);
    for (std::size_t i = 0; i < classes; i += lanes) {
      const FloatVector y = LoadPart(dst + i, classes - i, room - i, 0.0F);
      const FloatVector grad = LoadPart(grad_dst + i, classes - i, room - i, 0.0F);
      StorePart(hn::NegMulAdd(ExpNotPositive(y), sum, grad), grad_src + i, classes - i, room - i);
    }
  }
}

/// Softmax of `rows` rows; nothing outside them is touched.
void SoftmaxForward(const float* src, float* dst, std::size_t rows, std::size_t classes, bool log) {
  if (log) return LogSoftmaxForward(src, dst, rows, classes);
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t r = 0; r < rows; ++r, src += classes, dst += classes) {
    const std::size_t room = (rows - r) * classes;
    const FloatVector shift = hn::Set(d, RowMax(src, classes, room));
    FloatVector sums = hn::Zero(d);
    for (std::size_t i = 0; i < classes; i += lanes) {
      const FloatVector x = LoadPart(src + i, classes - i, room - i, -std::numeric_limits<float>::infinity());
      const FloatVector e = ExpNotPositive(hn::Sub(x, shift));
      sums = hn::Add(sums, e);
      StorePart(e, dst + i, classes - i, room - i);
    }
    const FloatVector sum = hn::SumOfLanes(d, sums);
    for (std::size_t i = 0; i < classes; i += lanes) {
      const FloatVector e = LoadPart(dst + i, classes - i, room - i, 0.0F);
      StorePart(hn::Div(e, sum), dst + i, classes - i, room - i);
    }
  }
}

/// grad_src = dst * (grad_dst - sum of grad_dst * dst), row by row.
void SoftmaxBackward(const float* dst, const float* grad_dst, float* grad_src, std::size_t rows, std::size_t classes,
                     bool log) {
  if (log) return LogSoftmaxBackward(dst, grad_dst, grad_src, rows, classes);
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t r = 0; r < rows; ++r, dst += classes, grad_dst += classes, grad_src += classes) {
    const std::size_t room = (rows - r) * classes;
    FloatVector dots = hn::Zero(d);
    for (std::size_t i = 0; i < classes; i += lanes) {
      const FloatVector y = LoadPart(dst + i, classes - i, room - i, 0.0F);
      dots = hn::MulAdd(y, LoadPart(grad_dst + i, classes - i, room - i, 0.0F), dots);
    }
    const FloatVector dot = hn::SumOfLanes(d, dots);
    for (std::size_t i = 0; i < classes; i += lanes) {
      const FloatVector y = LoadPart(dst + i, classes - i, room - i, 0.0F);
      const FloatVector grad = LoadPart(grad_dst + i, classes - i, room - i, 0.0F);
      StorePart(hn::Mul(y, hn::Sub(grad, dot)), grad_src + i, classes - i, room - i);
    }
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(SoftmaxForward);
HWY_EXPORT(SoftmaxBackward);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdSoftmax final : public SoftmaxKernel {
 public:
  explicit SimdSoftmax(const SoftmaxProblem& problem) : problem_(problem) {}

  void run(const SoftmaxBuffers& buffers) override {
    const Index classes = problem_.classes;
    parallel_ranges(problem_.rows, rows_per_task(classes), [&](Index begin, Index end) {
      const Index first = begin * classes;
      const std::size_t rows = usize(end - begin);
      if (problem_.pass == Pass::forward) {
        HWY_DYNAMIC_DISPATCH(SoftmaxForward)
        (buffers.src.data() + first, buffers.dst.data() + first, rows, usize(classes), problem_.log);
      } else {
        HWY_DYNAMIC_DISPATCH(SoftmaxBackward)
        (buffers.dst_in.data() + first, buffers.grad_dst.data() + first, buffers.grad_src.data() + first, rows,
         usize(classes), problem_.log);
      }
    });
  }

 private:
  SoftmaxProblem problem_;
};

}  // namespace

std::unique_ptr<SoftmaxKernel> make(const SoftmaxProblem& problem) { return std::make_unique<SimdSoftmax>(problem); }

}  // namespace saccade::kernels::simd
#endif
