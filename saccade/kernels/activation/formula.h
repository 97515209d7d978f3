#pragma once
#include <cmath>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/scalar.h"

namespace saccade::kernels {

/// y = act(x) for one element; softmax, which is no function of one element, is returned unchanged.
template <class T>
T activate(Activation activation, T x, float negative_slope = 0.2F) {
  switch (activation) {
    case Activation::relu:
      return branch_value(x) < 0 ? T(0) : x;
    case Activation::leaky_relu:
      return branch_value(x) < 0 ? T(negative_slope) * x : x;
    case Activation::relu6:
      return branch_value(x) < 0 ? T(0) : branch_value(x) > 6 ? T(6) : x;
    case Activation::sigmoid:
      return T(1) / (T(1) + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::linear:
    case Activation::softmax:
      break;
  }
  return x;
}

}  // namespace saccade::kernels
