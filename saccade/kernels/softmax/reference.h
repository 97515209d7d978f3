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
    for (std::size_t c = 0; c < classes; ++c) {
      const Sum<T> shifted = Sum<T>(x[c]) - shift;
      y[c] = T(problem.log ? shifted - std::log(sum) : std::exp(shifted) / sum);
    }
  }
}

template <class T>
void softmax_backward_data(const SoftmaxProblem& problem, std::span<const T> dst, std::span<const T> grad_dst,
                           std::span<T> grad_src) {
  const std::size_t classes = usize(problem.classes);
  for (std::size_t r = 0; r < usize(problem.rows); ++r) {
    const std::size_t first = r * classes;
    Sum<T> dot(0);
    for (std::size_t i = first; i < first + classes; ++i) {
      dot += problem.log ? Sum<T>(grad_dst[i]) : Sum<T>(grad_dst[i]) * Sum<T>(dst[i]);
    }
    for (std::size_t i = first; i < first + classes; ++i) {
      const Sum<T> y(dst[i]), g(grad_dst[i]);
      grad_src[i] = T(problem.log ? g - std::exp(y) * dot : y * (g - dot));
    }
  }
}

}  // namespace saccade::kernels::reference
