#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Local response normalisation across the channels of src [rows, c]:
///   dst[r,c] = src[r,c] * scale[r,c]^-beta
///   scale[r,c] = bias + alpha / size * (sum over j of src[r,j]^2, c - floor((size-1)/2) <= j <= c + ceil((size-1)/2))
/// Channels beyond the ends count as 0. backward_data:
///   grad_src[c] = grad_dst[c] scale[c]^-beta - 2 alpha beta / size * src[c] * (sum over the j whose window holds c of
///                 grad_dst[j] src[j] scale[j]^(-beta-1))
/// Source: Krizhevsky et al. 2012; ONNX LRN (and PyTorch; tf.nn.local_response_normalization's alpha is alpha / size
/// here). oneDNN has vectors for blocked layouts only.
struct LocalResponseNormProblem {
  Pass pass = Pass::forward;
  Index rows = 1, c = 1;
  Index size = 5;
  float alpha = 1e-4F, beta = 0.75F, bias = 1.0F;
  Index below() const { return (size - 1) / 2; }      ///< Neighbours of a window before its channel,
  Index above() const { return size - 1 - below(); }  ///< and after it.
  std::string id() const;
};

struct LocalResponseNormBuffers {
  std::span<const float> src, grad_dst;
  std::span<float> dst, grad_src;
  std::span<std::byte> scratch;
};

using LocalResponseNormKernel = Kernel<LocalResponseNormBuffers>;
using LocalResponseNormImplementation = Implementation<LocalResponseNormProblem, LocalResponseNormKernel>;
std::span<const LocalResponseNormImplementation> local_response_norm_implementations();

}  // namespace saccade::kernels
