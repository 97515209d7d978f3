#pragma once
#include <span>
#include <vector>

#include "saccade/kernels/arithmetic/arithmetic.h"
#include "saccade/kernels/arithmetic/formula.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

/// Calls visit(i, ia, ib): for every element of dst, where it stands and where its a and b do.
template <class Visit>
void for_each_pair(const ArithmeticProblem& p, Visit visit) {
  const std::vector<Index> extents = p.dst();
  Index elements = 1;
  for (const Index extent : extents) elements *= extent;
  for (Index i = 0; i < elements; ++i) {
    Index rest = i, ia = 0, ib = 0, a_stride = 1, b_stride = 1;
    for (std::size_t k = extents.size(); k-- > 0;) {
      const Index position = rest % extents[k];
      rest /= extents[k];
      if (p.a[k] != 1) ia += position * a_stride;
      if (p.b[k] != 1) ib += position * b_stride;
      a_stride *= p.a[k];
      b_stride *= p.b[k];
    }
    visit(usize(i), usize(ia), usize(ib));
  }
}

template <class T>
void arithmetic_forward(const ArithmeticProblem& p, std::span<const T> a, std::span<const T> b, std::span<T> dst) {
  for_kind(p.kind, [&]<ArithmeticKind kKind>() {
    for_each_pair(p,
                  [&](std::size_t i, std::size_t ia, std::size_t ib) { dst[i] = arithmetic<kKind, T>(a[ia], b[ib]); });
  });
}

/// An empty gradient is not wanted.
template <class T>
void arithmetic_backward_data(const ArithmeticProblem& p, std::span<const T> a, std::span<const T> b,
                              std::span<const T> grad_dst, std::span<T> grad_a, std::span<T> grad_b) {
  for_kind(p.kind, [&]<ArithmeticKind kKind>() {
    std::vector<Sum<T>> sums_a(grad_a.size(), Sum<T>(0)), sums_b(grad_b.size(), Sum<T>(0));
    for_each_pair(p, [&](std::size_t i, std::size_t ia, std::size_t ib) {
      const Sum<T> x(a[ia]), y(b[ib]), g(grad_dst[i]);
      if (!sums_a.empty()) sums_a[ia] += arithmetic_gradient<kKind, false>(x, y, g);
      if (!sums_b.empty()) sums_b[ib] += arithmetic_gradient<kKind, true>(x, y, g);
    });
    for (std::size_t i = 0; i < grad_a.size(); ++i) grad_a[i] = T(sums_a[i]);
    for (std::size_t i = 0; i < grad_b.size(); ++i) grad_b[i] = T(sums_b[i]);
  });
}

}  // namespace saccade::kernels::reference
