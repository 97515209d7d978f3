#pragma once
#include <span>
#include <string>
#include <vector>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Axes in another order: dst[i_0, i_1, ...] = src at the index whose axis order[k] is i_k; row-major both.
/// backward_data moves grad_dst back. oneDNN is not asked: its reorder leaves this to a plain loop.
struct PermuteProblem {
  Pass pass = Pass::forward;
  std::vector<Index> extents;  ///< Of src, each at least 1.
  std::vector<Index> order;    ///< A permutation of 0 .. extents.size() - 1.
  Index elements() const;
  std::string id() const;  ///< "e2e3e4p2p0p1": extents, then order.
};

struct PermuteBuffers {
  std::span<const float> src, grad_dst;
  std::span<float> dst, grad_src;
};

using PermuteKernel = Kernel<PermuteBuffers>;
using PermuteImplementation = Implementation<PermuteProblem, PermuteKernel>;
std::span<const PermuteImplementation> permute_implementations();

}  // namespace saccade::kernels
