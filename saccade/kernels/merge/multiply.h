#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// The product of an image and one factor a channel (squeeze and excite), or of two arrays of one shape (pixels = 1):
///   forward:        dst[n,p,c] = src[n,p,c] * factor[n,c];  dst may be src
///   backward_data:  grad_src[n,p,c] = grad_dst[n,p,c] * factor[n,c];  grad_src may be grad_dst
///                   grad_factor[n,c] = sum over p of grad_dst[n,p,c] * src[n,p,c] (fixed partition)
/// src NHWC [n, pixels, c], factor [n, c].
struct MultiplyProblem {
  Pass pass = Pass::forward;
  Index n = 1, pixels = 1, c = 1;
  Index elements() const { return n * pixels * c; }
  std::string id() const;
};

/// backward_data: either gradient may be empty when it is not wanted.
struct MultiplyBuffers {
  std::span<const float> src, factor, grad_dst;
  std::span<float> dst, grad_src, grad_factor;
  std::span<std::byte> scratch;
};

using MultiplyKernel = Kernel<MultiplyBuffers>;
using MultiplyImplementation = Implementation<MultiplyProblem, MultiplyKernel>;
std::span<const MultiplyImplementation> multiply_implementations();

}  // namespace saccade::kernels
