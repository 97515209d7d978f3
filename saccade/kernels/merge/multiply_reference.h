#pragma once
#include <span>

#include "saccade/kernels/merge/multiply.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

template <class T>
void multiply_forward(const MultiplyProblem& p, std::span<const T> src, std::span<const T> factor, std::span<T> dst) {
  for (Index i = 0; i < p.elements(); ++i)
    dst[usize(i)] = src[usize(i)] * factor[usize(i / (p.pixels * p.c) * p.c + i % p.c)];
}

/// An empty gradient is not wanted.
template <class T>
void multiply_backward_data(const MultiplyProblem& p, std::span<const T> src, std::span<const T> factor,
                            std::span<const T> grad_dst, std::span<T> grad_src, std::span<T> grad_factor) {
  for (Index n = 0; n < p.n; ++n) {
    for (Index c = 0; c < p.c; ++c) {
      Sum<T> sum(0);
      for (Index pixel = 0; pixel < p.pixels; ++pixel) {
        const std::size_t i = usize((n * p.pixels + pixel) * p.c + c);
        sum += Sum<T>(grad_dst[i]) * Sum<T>(src[i]);
        if (!grad_src.empty()) grad_src[i] = grad_dst[i] * factor[usize(n * p.c + c)];
      }
      if (!grad_factor.empty()) grad_factor[usize(n * p.c + c)] = T(sum);
    }
  }
}

}  // namespace saccade::kernels::reference
