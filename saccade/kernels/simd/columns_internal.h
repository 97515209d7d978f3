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

/// Adds to sums[k * c + column] the terms of `kVectors` vectors at p of every period up to `whole`; their sums stay in
/// registers meanwhile.
template <std::size_t kSums, std::size_t kVectors, class Terms>
HWY_INLINE void AddPeriods(const Terms& terms, std::size_t p, std::size_t period, std::size_t whole, std::size_t c,
                           double* sums) {
  const FloatTag d;
  const DoubleTag dd;
  const std::size_t lanes = hn::Lanes(d), half = hn::Lanes(dd);
  DoubleVector lower[kVectors][kSums], upper[kVectors][kSums];
  for (std::size_t v = 0; v < kVectors; ++v) {
    for (std::size_t k = 0; k < kSums; ++k) lower[v][k] = upper[v][k] = hn::Zero(dd);
  }
  for (std::size_t first = 0; first < whole; first += period) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      terms.Vector(first + p + v * lanes, p + v * lanes, lower[v], upper[v]);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v, p += lanes) {
    for (std::size_t k = 0; k < kSums; ++k) {
      if (p + lanes <= c) {
        double* const to = sums + k * c + p;
        hn::StoreU(hn::Add(hn::LoadU(dd, to), lower[v][k]), dd, to);
        hn::StoreU(hn::Add(hn::LoadU(dd, to + half), upper[v][k]), dd, to + half);
        continue;
      }
      HWY_ALIGN double values[hn::MaxLanes(d)];
      hn::Store(lower[v][k], dd, values);
      hn::Store(upper[v][k], dd, values + half);
      for (std::size_t j = 0; j < lanes; ++j) sums[k * c + (p + j) % c] += values[j];
    }
  }
}

/// sums[k * c + column] = sum over `rows` rows of the k-th term, in double. terms.Vector(i, p, lower, upper) gives the
/// terms of a whole vector at element i, terms.Scalar(i, p, out) those of one element.
template <std::size_t kSums, class Terms>
HWY_INLINE void SumColumns(const simd::Columns& columns, Index rows, const Terms& terms, double* sums) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  const std::size_t c = usize(columns.c());
  const std::size_t period = usize(columns.period());
  const std::size_t total = usize(rows) * c;
  const std::size_t whole = total / period * period;
  // So many vectors of sums as fit into the registers.
  constexpr std::size_t kAtOnce = HWY_CAP_GE512 ? 4 : 2;
  for (std::size_t i = 0; i < kSums * c; ++i) sums[i] = 0.0;
  std::size_t p = 0;
  for (; p + kAtOnce * lanes <= period; p += kAtOnce * lanes) {
    AddPeriods<kSums, kAtOnce>(terms, p, period, whole, c, sums);
  }
  // What is left in one walk, too.
  if (kAtOnce > 3 && p + 3 * lanes <= period) {
    AddPeriods<kSums, 3>(terms, p, period, whole, c, sums);
    p += 3 * lanes;
  } else if (kAtOnce > 2 && p + 2 * lanes <= period) {
    AddPeriods<kSums, 2>(terms, p, period, whole, c, sums);
    p += 2 * lanes;
  } else if (p + lanes <= period) {
    AddPeriods<kSums, 1>(terms, p, period, whole, c, sums);
    p += lanes;
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
