#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// One number a channel, added to every row of [rows, c] (rows = n * h * w of NHWC).
///   forward:           dst[r,c] = src[r,c] + bias[c];  dst may be src
///   backward_weights:  grad_bias[c] = sum over r of grad_dst[r,c] (double accumulation, fixed partition)
/// The gradient of src is grad_dst itself.
struct BiasProblem {
  Pass pass = Pass::forward;
  Index rows = 1;
  Index c = 1;
  std::string id() const;
};

struct BiasBuffers {
  std::span<const float> src, bias, grad_dst;
  std::span<float> dst, grad_bias;
  std::span<std::byte> scratch;
};

using BiasKernel = Kernel<BiasBuffers>;
using BiasImplementation = Implementation<BiasProblem, BiasKernel>;
std::span<const BiasImplementation> bias_implementations();

}  // namespace saccade::kernels
