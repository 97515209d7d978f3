#pragma once
#include <cmath>
#include <complex>
#include <numbers>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/scalar.h"

namespace saccade::kernels {

// The complex versions of these two are right to first order in the imaginary part, which is all that complex-step
// differentiation asks for; the standard library has none.

/// 1 - erf(x), precise where that is small.
inline float erfc(float x) { return std::erfc(x); }
inline double erfc(double x) { return std::erfc(x); }
inline std::complex<double> erfc(const std::complex<double>& x) {
  const double slope = -2.0 * std::numbers::inv_sqrtpi * std::exp(-x.real() * x.real());
  return {std::erfc(x.real()), slope * x.imag()};
}

/// exp(x) - 1, precise where that is small.
inline float expm1(float x) { return std::expm1(x); }
inline double expm1(double x) { return std::expm1(x); }
inline std::complex<double> expm1(const std::complex<double>& x) {
  return {std::expm1(x.real()), std::exp(x.real()) * x.imag()};
}

template <class T>
T sigmoid_of(const T& x) {
  return T(1) / (T(1) + std::exp(-x));
}

/// 2 sqrt(2 / pi), and the factor of x^3: gelu_tanh is x times the sigmoid of kGeluScale * (x + kGeluCubic x^3).
inline constexpr double kGeluScale = 1.5957691216057308;
inline constexpr double kGeluCubic = 0.044715;

/// y = act(x) for one element; softmax, which is no function of one element, is returned unchanged.
template <class T>
T activate(const ActivationProblem& problem, T x) {
  switch (problem.activation) {
    case Activation::relu:
      return branch_value(x) < 0 ? T(0) : x;
    case Activation::leaky_relu:
      return branch_value(x) < 0 ? T(problem.negative_slope) * x : x;
    case Activation::relu6:
      return branch_value(x) < 0 ? T(0) : branch_value(x) > 6 ? T(6) : x;
    case Activation::clip:
      return branch_value(x) < problem.clip_low    ? T(problem.clip_low)
             : branch_value(x) > problem.clip_high ? T(problem.clip_high)
                                                   : x;
    case Activation::elu:
      return branch_value(x) < 0 ? T(problem.elu_alpha) * expm1(x) : x;
    case Activation::sigmoid:
      return sigmoid_of(x);
    case Activation::hard_sigmoid: {
      const T y = T(problem.hard_sigmoid_slope) * x + T(problem.hard_sigmoid_offset);
      return branch_value(y) < 0 ? T(0) : branch_value(y) > 1 ? T(1) : y;
    }
    case Activation::tanh:
      return std::tanh(x);
    case Activation::swish:
      return x * sigmoid_of(x);
    case Activation::hard_swish: {
      const T gate = x + T(3);
      return x * (branch_value(gate) < 0 ? T(0) : branch_value(gate) > 6 ? T(6) : gate) / T(6);
    }
    case Activation::gelu:
      return T(0.5) * x * erfc(-x * T(std::numbers::sqrt2 / 2));
    case Activation::gelu_tanh:
      return x * sigmoid_of(T(kGeluScale) * (x + T(kGeluCubic) * x * x * x));
    case Activation::linear:
    case Activation::softmax:
    case Activation::log_softmax:
      break;
  }
  return x;
}

/// With the default parameters, as layers fuse it.
template <class T>
T activate(Activation activation, T x) {
  return activate(ActivationProblem{.activation = activation}, x);
}

}  // namespace saccade::kernels
