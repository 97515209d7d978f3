// Loops over the matrices of columns.h. Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_SIMD_COLUMNS_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_SIMD_COLUMNS_INTERNAL_H
#undef SACCADE_KERNELS_SIMD_COLUMNS_INTERNAL_H
#else
#define SACCADE_KERNELS_SIMD_COLUMNS_INTERNAL_H
#endif

#include <cstddef>

#include "saccade/kernels/simd/columns.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Calls op(i, p, count, room) for consecutive pieces of at most one vector: element i of the `rows` rows, coefficient
/// p of the pattern, `count` elements, `room` elements that may be touched.
template <class Op>
HWY_INLINE void ForColumns(const simd::Columns& columns, Index rows, Op&& op) {
  const std::size_t period = usize(columns.period());
  const std::size_t total = usize(rows * columns.c());
  for (std::size_t first = 0; first < total; first += period) {
    const std::size_t end = period < total - first ? period : total - first;
    for (std::size_t p = 0; p < end; p += hn::Lanes(FloatTag())) op(first + p, p, end - p, total - first - p);
  }
}

/// sums[k * c + column] = sum over `rows` rows of the k-th term, in double. terms.Vector(i, p, lower, upper) gives the
/// terms of a whole vector at element i, terms.Scalar(i, p, out) those of one element.
template <std::size_t kSums, class Terms>
HWY_INLINE void SumColumns(const simd::Columns& columns, Index rows, const Terms& terms, double* sums) {
  const FloatTag d;
  const DoubleTag dd;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t c = usize(columns.c());
  const std::size_t period = usize(columns.period());
  const std::size_t total = usize(rows) * c;
  const std::size_t whole = total / period * period;
  // So many vectors of sums as fit into the registers.
  constexpr std::size_t kAtOnce = HWY_CAP_GE512 ? 4 : 2;
  for (std::size_t i = 0; i < kSums * c; ++i) sums[i] = 0.0;
  const auto fold = [&](std::size_t p, std::size_t k, DoubleVector lower, DoubleVector upper) HWY_ATTR {
    HWY_ALIGN double values[hn::MaxLanes(d)];
    hn::Store(lower, dd, values);
    hn::Store(upper, dd, values + hn::Lanes(dd));
    for (std::size_t j = 0; j < lanes; ++j) sums[k * c + (p + j) % c] += values[j];
  };
  std::size_t p = 0;
  for (; p + kAtOnce * lanes <= period; p += kAtOnce * lanes) {
    DoubleVector lower[kAtOnce][kSums], upper[kAtOnce][kSums];
    for (std::size_t v = 0; v < kAtOnce; ++v) {
      for (std::size_t k = 0; k < kSums; ++k) lower[v][k] = upper[v][k] = hn::Zero(dd);
    }
    for (std::size_t first = 0; first < whole; first += period) {
      for (std::size_t v = 0; v < kAtOnce; ++v) {
        terms.Vector(first + p + v * lanes, p + v * lanes, lower[v], upper[v]);
      }
    }
    for (std::size_t v = 0; v < kAtOnce; ++v) {
      for (std::size_t k = 0; k < kSums; ++k) fold(p + v * lanes, k, lower[v][k], upper[v][k]);
    }
  }
  for (; p + lanes <= period; p += lanes) {
    DoubleVector lower[kSums], upper[kSums];
    for (std::size_t k = 0; k < kSums; ++k) lower[k] = upper[k] = hn::Zero(dd);
    for (std::size_t first = 0; first < whole; first += period) terms.Vector(first + p, p, lower, upper);
    for (std::size_t k = 0; k < kSums; ++k) fold(p, k, lower[k], upper[k]);
  }
  const auto add_one = [&](std::size_t i, std::size_t q) {
    double term[kSums];
    terms.Scalar(i, q, term);
    for (std::size_t k = 0; k < kSums; ++k) sums[k * c + q % c] += term[k];
  };
  for (std::size_t first = 0; first < whole; first += period) {
    for (std::size_t q = p; q < period; ++q) add_one(first + q, q);
  }
  for (std::size_t i = whole; i < total; ++i) add_one(i, i - whole);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
