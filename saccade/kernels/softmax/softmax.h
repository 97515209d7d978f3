#pragma once
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Softmax over the last axis of [rows, classes].
///   forward:        dst[r,c] = exp(src[r,c] - max_r) / sum over j of exp(src[r,j] - max_r);  dst may be src
///   backward_data:  grad_src[r,c] = dst[r,c] * (grad_dst[r,c] - sum over j of grad_dst[r,j] * dst[r,j]);  grad_src may
///   be grad_dst
/// With `log`, its logarithm:
///   forward:        dst[r,c] = src[r,c] - max_r - log(sum over j of exp(src[r,j] - max_r))
///   backward_data:  grad_src[r,c] = grad_dst[r,c] - exp(dst[r,c]) * sum over j of grad_dst[r,j]
struct SoftmaxProblem {
  Pass pass = Pass::forward;
  Index rows = 1;
  Index classes = 1;
  bool log = false;
  std::string id() const;
};

struct SoftmaxBuffers {
  std::span<const float> src, grad_dst, dst_in;  ///< dst_in: the forward result, for backward_data.
  std::span<float> dst, grad_src;
};

using SoftmaxKernel = Kernel<SoftmaxBuffers>;
using SoftmaxImplementation = Implementation<SoftmaxProblem, SoftmaxKernel>;
std::span<const SoftmaxImplementation> softmax_implementations();

}  // namespace saccade::kernels
