#pragma once
#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/formula.h"
#include "saccade/kernels/dense/dense.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

/// The formulas of DenseProblem, word for word.
template <class T>
void dense_forward(const DenseProblem& p, const T* src, const T* weight, const T* bias, T* dst) {
  parallel_for(p.m, [&](Index m) {
    for (Index u = 0; u < p.u; ++u) {
      Sum<T> sum = p.bias ? Sum<T>(bias[u]) : Sum<T>(0);
      for (Index k = 0; k < p.k; ++k) sum += Sum<T>(src[m * p.k + k]) * Sum<T>(weight[k * p.u + u]);
      dst[m * p.u + u] = activate(p.activation, T(sum));
    }
  });
}

template <class T>
void dense_backward_data(const DenseProblem& p, const T* grad_dst, const T* weight, T* grad_src) {
  parallel_for(p.m, [&](Index m) {
    for (Index k = 0; k < p.k; ++k) {
      Sum<T> sum(0);
      for (Index u = 0; u < p.u; ++u) sum += Sum<T>(grad_dst[m * p.u + u]) * Sum<T>(weight[k * p.u + u]);
      grad_src[m * p.k + k] = T(sum);
    }
  });
}

template <class T>
void dense_backward_weights(const DenseProblem& p, const T* src, const T* grad_dst, T* grad_weight, T* grad_bias) {
  parallel_for(p.k, [&](Index k) {
    for (Index u = 0; u < p.u; ++u) {
      Sum<T> sum(0);
      for (Index m = 0; m < p.m; ++m) sum += Sum<T>(src[m * p.k + k]) * Sum<T>(grad_dst[m * p.u + u]);
      grad_weight[k * p.u + u] = T(sum);
    }
  });
  if (!p.bias) return;
  for (Index u = 0; u < p.u; ++u) {
    Sum<T> sum(0);
    for (Index m = 0; m < p.m; ++m) sum += Sum<T>(grad_dst[m * p.u + u]);
    grad_bias[u] = T(sum);
  }
}

}  // namespace saccade::kernels::reference
