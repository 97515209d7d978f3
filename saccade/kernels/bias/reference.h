#pragma once
#include <span>

#include "saccade/kernels/bias/bias.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

template <class T>
void bias_forward(const BiasProblem& problem, std::span<const T> src, std::span<const T> bias, std::span<T> dst) {
  for (Index r = 0; r < problem.rows; ++r) {
    for (Index c = 0; c < problem.c; ++c) {
      const std::size_t i = usize(r * problem.c + c);
      dst[i] = src[i] + bias[usize(c)];
    }
  }
}

template <class T>
void bias_backward_weights(const BiasProblem& problem, std::span<const T> grad_dst, std::span<T> grad_bias) {
  for (Index c = 0; c < problem.c; ++c) {
    Sum<T> sum(0);
    for (Index r = 0; r < problem.rows; ++r) sum += Sum<T>(grad_dst[usize(r * problem.c + c)]);
    grad_bias[usize(c)] = T(sum);
  }
}

}  // namespace saccade::kernels::reference
