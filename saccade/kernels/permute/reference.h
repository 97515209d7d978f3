#pragma once
#include <span>
#include <vector>

#include "saccade/kernels/permute/permute.h"

namespace saccade::kernels::reference {

/// Calls visit(from, to): where each element stands in src and in dst.
template <class Visit>
void for_each_move(const PermuteProblem& p, Visit visit) {
  const std::size_t rank = p.extents.size();
  std::vector<Index> src_strides(rank, 1);
  for (std::size_t axis = rank; axis-- > 1;) src_strides[axis - 1] = src_strides[axis] * p.extents[axis];
  for (Index to = 0; to < p.elements(); ++to) {
    Index rest = to, from = 0;
    for (std::size_t k = rank; k-- > 0;) {
      const std::size_t axis = usize(p.order[k]);
      from += rest % p.extents[axis] * src_strides[axis];
      rest /= p.extents[axis];
    }
    visit(usize(from), usize(to));
  }
}

template <class T>
void permute_forward(const PermuteProblem& p, std::span<const T> src, std::span<T> dst) {
  for_each_move(p, [&](std::size_t from, std::size_t to) { dst[to] = src[from]; });
}

template <class T>
void permute_backward_data(const PermuteProblem& p, std::span<const T> grad_dst, std::span<T> grad_src) {
  for_each_move(p, [&](std::size_t from, std::size_t to) { grad_src[from] = grad_dst[to]; });
}

}  // namespace saccade::kernels::reference
