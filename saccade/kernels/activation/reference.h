#pragma once
#include <span>

#include "saccade/kernels/activation/formula.h"

namespace saccade::kernels::reference {

/// grad * dy/dx, the slope as a function of y. Where the slope is 0 the result is 0 whatever grad is.
template <class T>
T activation_gradient(const ActivationProblem& problem, const T& y, const T& grad) {
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
    case Activation::linear:
    case Activation::softmax:
      break;
  }
  return grad;
}

template <class T>
void activation_forward(const ActivationProblem& problem, std::span<const T> src, std::span<T> dst) {
  for (std::size_t i = 0; i < usize(problem.elements); ++i) {
    dst[i] = activate(problem.activation, src[i], problem.negative_slope);
  }
}

template <class T>
void activation_backward_data(const ActivationProblem& problem, std::span<const T> dst, std::span<const T> grad_dst,
                              std::span<T> grad_src) {
  for (std::size_t i = 0; i < usize(problem.elements); ++i) {
    grad_src[i] = activation_gradient<T>(problem, dst[i], grad_dst[i]);
  }
}

}  // namespace saccade::kernels::reference
