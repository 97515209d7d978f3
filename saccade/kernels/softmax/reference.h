#pragma once
#include <cmath>
#include <span>

#include "saccade/kernels/reference_sum.h"
#include "saccade/kernels/scalar.h"
#include "saccade/kernels/softmax/softmax.h"

namespace saccade::kernels::reference {

template <class T>
void softmax_forward(const SoftmaxProblem& problem, std::span<const T> src, std::span<T> dst) {
  const std::size_t classes = usize(problem.classes);
  for (std::size_t r = 0; r < usize(problem.rows); ++r) {
    const std::span<const T> x = src.subspan(r * classes, classes);
    const std::span<T> y = dst.subspan(r * classes, classes);
    T largest = x[0];
    for (const T& value : x) {
      if (branch_value(value) > branch_value(largest)) largest = value;
    }
    const Sum<T> shift = Sum<T>(largest);
    Sum<T> sum(0);
    for (const T& value : x) sum += std::exp(Sum<T>(value) - shift);
    for (std::size_t c = 0; c < classes; ++c) y[c] = T(std::exp(Sum<T>(x[c]) - shift) / sum);
  }
}

template <class T>
void softmax_backward_data(const SoftmaxProblem& problem, std::span<const T> dst, std::span<const T> grad_dst,
                           std::span<T> grad_src) {
  const std::size_t classes = usize(problem.classes);
  for (std::size_t r = 0; r < usize(problem.rows); ++r) {
    const std::size_t first = r * classes;
    Sum<T> dot(0);
    for (std::size_t i = first; i < first + classes; ++i) dot += Sum<T>(grad_dst[i]) * Sum<T>(dst[i]);
    for (std::size_t i = first; i < first + classes; ++i) {
      grad_src[i] = T(Sum<T>(dst[i]) * (Sum<T>(grad_dst[i]) - dot));
    }
  }
}

}  // namespace saccade::kernels::reference
