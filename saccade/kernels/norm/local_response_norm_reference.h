#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <span>
#include <vector>

#include "saccade/kernels/norm/local_response_norm.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

/// scale of every element of one row.
template <class T>
std::vector<Sum<T>> response_scales(const LocalResponseNormProblem& p, std::span<const T> row) {
  std::vector<Sum<T>> scales;
  for (Index c = 0; c < p.c; ++c) {
    Sum<T> sum(0);
    for (Index j = std::max<Index>(c - p.below(), 0); j <= std::min(c + p.above(), p.c - 1); ++j) {
      sum += Sum<T>(row[usize(j)]) * Sum<T>(row[usize(j)]);
    }
    scales.push_back(static_cast<double>(p.bias) + static_cast<double>(p.alpha) / static_cast<double>(p.size) * sum);
  }
  return scales;
}

template <class T>
void local_response_norm_forward(const LocalResponseNormProblem& p, std::span<const T> src, std::span<T> dst) {
  for (Index r = 0; r < p.rows; ++r) {
    const std::span<const T> row = src.subspan(usize(r * p.c), usize(p.c));
    const std::vector<Sum<T>> scales = response_scales<T>(p, row);
    for (std::size_t c = 0; c < row.size(); ++c) {
      dst[usize(r * p.c) + c] = T(Sum<T>(row[c]) * std::pow(scales[c], -static_cast<double>(p.beta)));
    }
  }
}

/// `sign` is that of the second term; +1 gives the size of what is added and taken away.
template <class T>
void local_response_norm_backward_data(const LocalResponseNormProblem& p, std::span<const T> src,
                                       std::span<const T> grad_dst, std::span<T> grad_src, double sign = -1.0) {
  const double beta = static_cast<double>(p.beta);
  const double factor = sign * 2.0 * static_cast<double>(p.alpha) * beta / static_cast<double>(p.size);
  for (Index r = 0; r < p.rows; ++r) {
    const std::span<const T> row = src.subspan(usize(r * p.c), usize(p.c));
    const std::span<const T> grad = grad_dst.subspan(usize(r * p.c), usize(p.c));
    const std::vector<Sum<T>> scales = response_scales<T>(p, row);
    for (Index c = 0; c < p.c; ++c) {
      Sum<T> sum(0);
      for (Index j = std::max<Index>(c - p.above(), 0); j <= std::min(c + p.below(), p.c - 1); ++j) {
        sum += Sum<T>(grad[usize(j)]) * Sum<T>(row[usize(j)]) * std::pow(scales[usize(j)], -beta - 1.0);
      }
      grad_src[usize(r * p.c + c)] =
          T(Sum<T>(grad[usize(c)]) * std::pow(scales[usize(c)], -beta) + factor * Sum<T>(row[usize(c)]) * sum);
    }
  }
}

}  // namespace saccade::kernels::reference
