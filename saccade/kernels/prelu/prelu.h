#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Leaky ReLU with a learned slope a channel, on [rows, c] (rows = n * h * w of NHWC):
///   forward:           dst[r,c] = src[r,c] < 0 ? alpha[c] * src[r,c] : src[r,c]
///   backward_data:     grad_src[r,c] = src[r,c] < 0 ? alpha[c] * grad_dst[r,c] : grad_dst[r,c]; grad_src may be grad_dst
///   backward_weights:  grad_alpha[c] = sum over r of src[r,c] < 0 ? grad_dst[r,c] * src[r,c] : 0 (double accumulation,
///                      fixed partition)
/// Source: He et al. 2015, "Delving deep into rectifiers"; keras.layers.PReLU with shared_axes over the pixels.
struct PReluProblem {
  Pass pass = Pass::forward;
  Index rows = 1;
  Index c = 1;
  std::string id() const;
};

struct PReluBuffers {
  std::span<const float> src, alpha, grad_dst;
  std::span<float> dst, grad_src, grad_alpha;
  std::span<std::byte> scratch;
};

using PReluKernel = Kernel<PReluBuffers>;
using PReluImplementation = Implementation<PReluProblem, PReluKernel>;
std::span<const PReluImplementation> prelu_implementations();

}  // namespace saccade::kernels
