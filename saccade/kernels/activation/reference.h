#pragma once
#include <span>

#include "saccade/kernels/activation/formula.h"

namespace saccade::kernels::reference {

/// dy/dx where it is a function of x (gradient_needs_src). Far from 0 all of them are 0 or 1.
template <class T>
T slope_at(Activation activation, const T& x) {
  switch (activation) {
    case Activation::swish: {
      const T s = sigmoid_of(x);
      return s * (T(1) + x * (T(1) - s));
    }
    case Activation::hard_swish:
      return branch_value(x) <= -3 ? T(0) : branch_value(x) >= 3 ? T(1) : x / T(3) + T(0.5);
    case Activation::gelu:
      return T(0.5) * erfc(-x * T(std::numbers::sqrt2 / 2)) +
             x * std::exp(-x * x / T(2)) * T(std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2);
    case Activation::gelu_tanh: {
      if (std::abs(x) > 10) return branch_value(x) > 0 ? T(1) : T(0);  // and x^3 may be infinite
      const T s = sigmoid_of(T(kGeluScale) * (x + T(kGeluCubic) * x * x * x));
      return s + x * s * (T(1) - s) * T(kGeluScale) * (T(1) + T(3 * kGeluCubic) * x * x);
    }
    default:
      return T(1);
  }
}

/// grad * dy/dx, the slope as a function of `value`: x where gradient_needs_src, y otherwise. Where the slope is 0 the
/// result is 0 whatever grad is.
template <class T>
T activation_gradient(const ActivationProblem& problem, const T& value, const T& grad) {
  if (gradient_needs_src(problem.activation)) return grad * slope_at(problem.activation, value);
  const T& y = value;
  switch (problem.activation) {
    case Activation::relu:
      return branch_value(y) > 0 ? grad : T(0);
    case Activation::leaky_relu:
      return branch_value(y) > 0 ? grad : grad * T(problem.negative_slope);
    case Activation::relu6:
      return branch_value(y) > 0 && branch_value(y) < 6 ? grad : T(0);
    case Activation::sigmoid:
      return grad * (y * (T(1) - y));
    case Activation::tanh:
      return grad * ((T(1) - y) * (T(1) + y));
    case Activation::clip:
      return branch_value(y) > problem.clip_low && branch_value(y) < problem.clip_high ? grad : T(0);
    case Activation::elu:
      return branch_value(y) > 0 ? grad : grad * (y + T(problem.elu_alpha));
    case Activation::hard_sigmoid:
      return branch_value(y) > 0 && branch_value(y) < 1 ? grad * T(problem.hard_sigmoid_slope) : T(0);
    default:
      break;
  }
  return grad;
}

template <class T>
void activation_forward(const ActivationProblem& problem, std::span<const T> src, std::span<T> dst) {
  for (std::size_t i = 0; i < usize(problem.elements); ++i) {
    dst[i] = activate(problem, src[i]);
  }
}

/// `values`: src where gradient_needs_src, dst otherwise.
template <class T>
void activation_backward_data(const ActivationProblem& problem, std::span<const T> values, std::span<const T> grad_dst,
                              std::span<T> grad_src) {
  for (std::size_t i = 0; i < usize(problem.elements); ++i) {
    grad_src[i] = activation_gradient<T>(problem, values[i], grad_dst[i]);
  }
}

}  // namespace saccade::kernels::reference
