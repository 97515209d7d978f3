#pragma once
#include <span>

#include "saccade/kernels/axis_map/axis_map.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

template <class T>
void axis_map_forward(const AxisMapProblem& p, std::span<const T> src, std::span<T> dst) {
  for (Index o = 0; o < p.outer; ++o) {
    for (Index j = 0; j < p.out(); ++j) {
      const Index begin = p.first[usize(j)], end = p.first[usize(j) + 1];
      for (Index i = 0; i < p.inner; ++i) {
        Sum<T> sum(begin == end ? static_cast<double>(p.fill) : 0.0);
        for (Index t = begin; t < end; ++t) {
          const AxisTap& tap = p.taps[usize(t)];
          sum += Sum<T>(src[usize((o * p.in + tap.from) * p.inner + i)]) * Sum<T>(tap.weight);
        }
        dst[usize((o * p.out() + j) * p.inner + i)] = T(sum);
      }
    }
  }
}

template <class T>
void axis_map_backward_data(const AxisMapProblem& p, std::span<const T> grad_dst, std::span<T> grad_src) {
  for (Index o = 0; o < p.outer; ++o) {
    for (Index k = 0; k < p.in; ++k) {
      for (Index i = 0; i < p.inner; ++i) {
        Sum<T> sum(0);
        for (Index j = 0; j < p.out(); ++j) {
          for (Index t = p.first[usize(j)]; t < p.first[usize(j) + 1]; ++t) {
            const AxisTap& tap = p.taps[usize(t)];
            if (tap.from != k) continue;
            sum += Sum<T>(grad_dst[usize((o * p.out() + j) * p.inner + i)]) * Sum<T>(tap.weight);
          }
        }
        grad_src[usize((o * p.in + k) * p.inner + i)] = T(sum);
      }
    }
  }
}

}  // namespace saccade::kernels::reference
