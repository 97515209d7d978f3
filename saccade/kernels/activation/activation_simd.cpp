#include "saccade/kernels/activation/activation_simd.h"

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/formula.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/activation/activation_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/activation/rectify_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// 1 / (1 + exp(-x)); NaN stays NaN.
HWY_INLINE FloatVector Sigmoid(FloatVector x) {
  const FloatTag d;
  const FloatVector one = hn::Set(d, 1.0F);
  // exp is infinite well before 100, and the library's function is not made for much more.
  const FloatVector y = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(x), hn::Set(d, 100.0F)))));
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

/// min(max(x, low), high), NaN stays NaN: comparisons, because minimum and maximum lose it.
HWY_INLINE FloatVector Clip(FloatVector x, float low, float high) {
  const FloatTag d;
  const FloatVector lowest = hn::Set(d, low), highest = hn::Set(d, high);
  return hn::IfThenElse(hn::Gt(x, highest), highest, hn::IfThenElse(hn::Lt(x, lowest), lowest, x));
}

/// The share of a normal distribution below x, (1 + erf(x / sqrt 2)) / 2, to 2e-7, and exp(-x^2 / 2) in `bell`.
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
HWY_INLINE FloatVector NormalShare(FloatVector x, FloatVector& bell) {
  const FloatTag d;
  const FloatVector one = hn::Set(d, 1.0F), size = hn::Abs(x);
  bell = ExpNotPositive(hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5F)));
  const FloatVector t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3275911F * 0.70710678F), size, one));
  FloatVector sum = hn::Set(d, 1.061405429F);
  for (const float coefficient : {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F}) {
    sum = hn::MulAdd(sum, t, hn::Set(d, coefficient));
  }
  const FloatVector tail = hn::Mul(hn::Set(d, 0.5F), hn::Mul(hn::Mul(sum, t), bell));  // beyond |x|
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
}

/// What gelu_tanh multiplies x with.
HWY_INLINE FloatVector GeluTanhGate(FloatVector x) {
  const FloatTag d;
  const FloatVector cubic = hn::Mul(hn::Mul(hn::Set(d, static_cast<float>(kGeluCubic)), x), hn::Mul(x, x));
  return Sigmoid(hn::Mul(hn::Set(d, static_cast<float>(kGeluScale)), hn::Add(x, cubic)));
}

/// dst[i] = act(src[i])
void ActivationForward(const ActivationProblem& p, const float* src, float* dst, std::size_t count) {
  const FloatTag d;
  const FloatVector zero = hn::Zero(d), three = hn::Set(d, 3.0F), six = hn::Set(d, 6.0F);
  const FloatVector negative_slope = hn::Set(d, p.negative_slope), alpha = hn::Set(d, p.elu_alpha);
  const FloatVector slope = hn::Set(d, p.hard_sigmoid_slope), offset = hn::Set(d, p.hard_sigmoid_offset);
  switch (p.activation) {
    case Activation::relu:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return Relu::Forward(x); });
    case Activation::leaky_relu:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR {
        return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(negative_slope, x), x);
      });
    case Activation::relu6:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return Relu6::Forward(x); });
    case Activation::clip:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return Clip(x, p.clip_low, p.clip_high); });
    case Activation::elu:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR {
        const FloatVector below = hn::Mul(alpha, hn::Expm1(d, hn::Max(x, hn::Set(d, -100.0F))));
        return hn::IfThenElse(hn::Lt(x, zero), below, x);
      });
    case Activation::sigmoid:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return Sigmoid(x); });
    case Activation::hard_sigmoid:
      return Map(src, dst, count,
                 [=](FloatVector x) HWY_ATTR { return Clip(hn::Add(hn::Mul(slope, x), offset), 0.0F, 1.0F); });
    case Activation::tanh:
      return Map(src, dst, count,
                 [=](FloatVector x) HWY_ATTR { return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(d, x)); });
    case Activation::swish:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return hn::Mul(x, Sigmoid(x)); });
    case Activation::hard_swish:
      return Map(src, dst, count,
                 [=](FloatVector x) HWY_ATTR { return hn::Div(hn::Mul(x, Clip(hn::Add(x, three), 0.0F, 6.0F)), six); });
    case Activation::gelu:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR {
        FloatVector bell;
        return hn::Mul(x, NormalShare(x, bell));
      });
    case Activation::gelu_tanh:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return hn::Mul(x, GeluTanhGate(x)); });
    case Activation::linear:
    case Activation::softmax:
    case Activation::log_softmax:
      return Map(src, dst, count, [=](FloatVector x) HWY_ATTR { return x; });
  }
}

/// grad_src[i] = grad_dst[i] * act', from the output.
void ActivationBackward(const ActivationProblem& p, const float* dst, const float* grad_dst, float* grad_src,
                        std::size_t count) {
  const FloatTag d;
  const FloatVector zero = hn::Zero(d), one = hn::Set(d, 1.0F);
  const FloatVector negative_slope = hn::Set(d, p.negative_slope), alpha = hn::Set(d, p.elu_alpha);
  const FloatVector slope = hn::Set(d, p.hard_sigmoid_slope);
  switch (p.activation) {
    case Activation::relu:
      return Map(dst, grad_dst, grad_src, count,
                 [=](FloatVector y, FloatVector grad) HWY_ATTR { return Relu::Gradient(y, grad); });
    case Activation::leaky_relu:
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::IfThenElse(hn::Gt(y, zero), grad, hn::Mul(grad, negative_slope));
      });
    case Activation::relu6:
      return Map(dst, grad_dst, grad_src, count,
                 [=](FloatVector y, FloatVector grad) HWY_ATTR { return Relu6::Gradient(y, grad); });
    case Activation::clip: {
      const FloatVector low = hn::Set(d, p.clip_low), high = hn::Set(d, p.clip_high);
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::IfThenElseZero(hn::And(hn::Gt(y, low), hn::Lt(y, high)), grad);
      });
    }
    case Activation::elu:
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::IfThenElse(hn::Gt(y, zero), grad, hn::Mul(grad, hn::Add(y, alpha)));
      });
    case Activation::sigmoid:
      return Map(dst, grad_dst, grad_src, count,
                 [=](FloatVector y, FloatVector grad) HWY_ATTR { return hn::Mul(grad, hn::Mul(y, hn::Sub(one, y))); });
    case Activation::hard_sigmoid:
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::IfThenElseZero(hn::And(hn::Gt(y, zero), hn::Lt(y, one)), hn::Mul(grad, slope));
      });
    case Activation::tanh:
      return Map(dst, grad_dst, grad_src, count, [=](FloatVector y, FloatVector grad) HWY_ATTR {
        return hn::Mul(grad, hn::Mul(hn::Sub(one, y), hn::Add(one, y)));
      });
    default:
      return Map(grad_dst, grad_src, count, [=](FloatVector grad) HWY_ATTR { return grad; });
  }
}

/// grad_src[i] = grad_dst[i] * act', from the input.
void ActivationBackwardFromSrc(Activation activation, const float* src, const float* grad_dst, float* grad_src,
                               std::size_t count) {
  const FloatTag d;
  const FloatVector zero = hn::Zero(d), one = hn::Set(d, 1.0F), three = hn::Set(d, 3.0F), half = hn::Set(d, 0.5F);
  const FloatVector third = hn::Set(d, 1.0F / 3.0F);
  const FloatVector bell_peak = hn::Set(d, 0.39894228F);  // 1 / sqrt(2 pi)
  const FloatVector scale = hn::Set(d, static_cast<float>(kGeluScale));
  const FloatVector scale_cubic = hn::Set(d, static_cast<float>(3.0 * kGeluScale * kGeluCubic));
  switch (activation) {
    case Activation::swish:
      return Map(src, grad_dst, grad_src, count, [=](FloatVector x, FloatVector grad) HWY_ATTR {
        const FloatVector s = Sigmoid(x);
        return hn::Mul(grad, hn::Mul(s, hn::MulAdd(x, hn::Sub(one, s), one)));
      });
    case Activation::hard_swish:
      return Map(src, grad_dst, grad_src, count, [=](FloatVector x, FloatVector grad) HWY_ATTR {
        const FloatVector between = hn::MulAdd(x, third, half);
        const FloatVector above = hn::IfThenElse(hn::Ge(x, three), one, between);
        return hn::Mul(grad, hn::IfThenZeroElse(hn::Le(x, hn::Neg(three)), above));
      });
    case Activation::gelu:
      return Map(src, grad_dst, grad_src, count, [=](FloatVector x, FloatVector grad) HWY_ATTR {
        FloatVector bell;
        const FloatVector share = NormalShare(x, bell);
        return hn::Mul(grad, hn::MulAdd(hn::Mul(x, bell), bell_peak, share));
      });
    case Activation::gelu_tanh:
      return Map(src, grad_dst, grad_src, count, [=](FloatVector given, FloatVector grad) HWY_ATTR {
        const FloatVector x = Clip(given, -10.0F, 10.0F);  // beyond which the slope is 0 or 1, but x^2 may be infinite
        const FloatVector s = GeluTanhGate(x);
        const FloatVector inner = hn::MulAdd(hn::Mul(x, x), scale_cubic, scale);
        return hn::Mul(grad, hn::MulAdd(hn::Mul(x, hn::Mul(s, hn::Sub(one, s))), inner, s));
      });
    default:
      return Map(grad_dst, grad_src, count, [=](FloatVector grad) HWY_ATTR { return hn::Add(grad, zero); });
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(ActivationForward);
HWY_EXPORT(ActivationBackward);
HWY_EXPORT(ActivationBackwardFromSrc);
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
        (problem_, buffers.src.data() + begin, buffers.dst.data() + begin, count);
      } else if (gradient_needs_src(problem_.activation)) {
        HWY_DYNAMIC_DISPATCH(ActivationBackwardFromSrc)
        (problem_.activation, buffers.src.data() + begin, buffers.grad_dst.data() + begin,
         buffers.grad_src.data() + begin, count);
      } else {
        HWY_DYNAMIC_DISPATCH(ActivationBackward)
        (problem_, buffers.dst_in.data() + begin, buffers.grad_dst.data() + begin, buffers.grad_src.data() + begin,
         count);
      }
    });
  }

 private:
  ActivationProblem problem_;
};

}  // namespace

std::string decline(const ActivationProblem& problem) {
  return is_softmax(problem.activation) ? "softmax is not element-wise" : "";
}

std::unique_ptr<ActivationKernel> make(const ActivationProblem& problem) {
  return std::make_unique<SimdActivation>(problem);
}

}  // namespace saccade::kernels::simd
#endif
