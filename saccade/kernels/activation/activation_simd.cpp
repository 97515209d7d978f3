#include "saccade/kernels/activation/activation_simd.h"

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/activation/activation_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// dst[i] = act(src[i])
void ActivationForward(Activation activation, float negative_slope, const float* src, float* dst, std::size_t count) {
  const FloatTag d;
  const FloatVector zero = hn::Zero(d), one = hn::Set(d, 1.0F), six = hn::Set(d, 6.0F);
  const FloatVector slope = hn::Set(d, negative_slope), highest = hn::Set(d, 100.0F);
  switch (activation) {
    // Comparisons, not minimum and maximum, because those lose NaN.
    case Activation::relu:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return hn::IfThenZeroElse(hn::Lt(x, zero), x); });
    case Activation::leaky_relu:
      return Map(src, dst, count,
                 [=](FloatVector x) HWY_ATTR { return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(slope, x), x); });
    case Activation::relu6:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR {
        return hn::IfThenElse(hn::Gt(x, six), six, hn::IfThenZeroElse(hn::Lt(x, zero), x));
      });
    case Activation::sigmoid:
      // exp is infinite well before 100, and the library's function is not made for much more.
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR {
        const FloatVector y = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(x), highest))));
        return hn::IfThenElse(hn::IsNaN(x), x, y);
      });
    case Activation::tanh:
      return Map(src, dst, count,
                 [=](FloatVector x) HWY_ATTR { return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x)); });
    case Activation::linear:
    case Activation::softmax:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return x; });
  }
}

/// grad_src[i] = grad_dst[i] * act'(dst[i])
void ActivationBackward(Activation activation, float negative_slope, const float* dst, const float* grad_dst,
                        float* grad_src, std::size_t count) {
  const FloatTag d;
  const FloatVector zero = hn::Zero(d), one = hn::Set(d, 1.0F), six = hn::Set(d, 6.0F);
  const FloatVector slope = hn::Set(d, negative_slope);
  switch (activation) {
    case Activation::relu:
      return Map(dst, grad_dst, grad_src, count,
                 [=](FloatVector y, FloatVector grad) HWY_ATTR { return hn::IfThenElseZero(hn::Gt(y, zero), grad); });
    case Activation::leaky_relu:
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::IfThenElse(hn::Gt(y, zero), grad, hn::Mul(grad, slope));
      });
    case Activation::relu6:
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::IfThenElseZero(hn::And(hn::Gt(y, zero), hn::Lt(y, six)), grad);
      });
    case Activation::sigmoid:
      return Map(dst, grad_dst, grad_src, count,
                 [=](FloatVector y, FloatVector grad) HWY_ATTR { return hn::Mul(grad, hn::Mul(y, hn::Sub(one, y))); });
    case Activation::tanh:
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::Mul(grad, hn::Mul(hn::Sub(one, y), hn::Add(one, y)));
      });
    case Activation::linear:
    case Activation::softmax:
      return Map(grad_dst, grad_src, count, [=](FloatVector grad) HWY_ATTR { return grad; });
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(ActivationForward);
HWY_EXPORT(ActivationBackward);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdActivation final : public ActivationKernel {
 public:
  explicit SimdActivation(const ActivationProblem& problem) : problem_(problem) {}

  void run(const ActivationBuffers& buffers) override {
    parallel_ranges(problem_.elements, kGrain, [&](Index begin, Index end) {
      const std::size_t count = usize(end - begin);
      if (problem_.pass == Pass::forward) {
        HWY_DYNAMIC_DISPATCH(ActivationForward)
        (problem_.activation, problem_.negative_slope, buffers.src.data() + begin, buffers.dst.data() + begin, count);
      } else {
        HWY_DYNAMIC_DISPATCH(ActivationBackward)
        (problem_.activation, problem_.negative_slope, buffers.dst_in.data() + begin, buffers.grad_dst.data() + begin,
         buffers.grad_src.data() + begin, count);
      }
    });
  }

 private:
  ActivationProblem problem_;
};

}  // namespace

std::string decline(const ActivationProblem& problem) {
  return problem.activation == Activation::softmax ? "softmax is not element-wise" : "";
}

std::unique_ptr<ActivationKernel> make(const ActivationProblem& problem) {
  return std::make_unique<SimdActivation>(problem);
}

}  // namespace saccade::kernels::simd
#endif
