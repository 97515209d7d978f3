#pragma once
#include <span>

#include "saccade/kernels/prelu/prelu.h"
#include "saccade/kernels/reference_sum.h"
#include "saccade/kernels/scalar.h"

namespace saccade::kernels::reference {

template <class T>
void prelu_forward(const PReluProblem& p, std::span<const T> src, std::span<const T> alpha, std::span<T> dst) {
  for (std::size_t i = 0; i < usize(p.rows * p.c); ++i) {
    dst[i] = branch_value(src[i]) < 0 ? alpha[i % usize(p.c)] * src[i] : src[i];
  }
}

template <class T>
void prelu_backward_data(const PReluProblem& p, std::span<const T> src, std::span<const T> alpha,
                         std::span<const T> grad_dst, std::span<T> grad_src) {
  for (std::size_t i = 0; i < usize(p.rows * p.c); ++i) {
    grad_src[i] = branch_value(src[i]) < 0 ? alpha[i % usize(p.c)] * grad_dst[i] : grad_dst[i];
  }
}

template <class T>
void prelu_backward_weights(const PReluProblem& p, std::span<const T> src, std::span<const T> grad_dst,
                            std::span<T> grad_alpha) {
  for (std::size_t c = 0; c < usize(p.c); ++c) {
    Sum<T> sum(0);
    for (std::size_t i = c; i < usize(p.rows * p.c); i += usize(p.c)) {
      if (branch_value(src[i]) < 0) sum += Sum<T>(grad_dst[i]) * Sum<T>(src[i]);
    }
    grad_alpha[c] = T(sum);
  }
}

}  // namespace saccade::kernels::reference
