#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/pool2d/pool2d.h"

namespace saccade::kernels {

/// Convolution, activation and max pooling in one, so that what lies between them never goes to memory:
///
///   dst[n,y,x,o] = max over r,q in {0,1} of act(bias[o] + sum over kh,kw,i of
///                      src[n, 2y + r + kh - pt, 2x + q + kw - pl, i] * weight[kh,kw,i,o])
///
/// that is Conv2DProblem with strides, dilation and groups of 1, then Pool2DProblem with windows of 2x2 that lie side by
/// side, without padding: an odd last row or column is left out. src NHWC [n,ih,iw,ic], weight HWIO [kh,kw,ic,oc], bias
/// [oc], dst NHWC [n,oh,ow,oc]; float32, dense. The gradient goes to the first maximum in row-major order, and to none
/// where the activation's derivative there is 0. A window whose first pixel is NaN becomes NaN. Numbers of src or
/// grad_dst that are not finite make the gradients they take part in NaN, and may make their neighbours so; under windows
/// where no gradient passes they may count or not.
struct ConvPool2DProblem {
  Index n = 1, ih = 1, iw = 1, ic = 1;
  Index oc = 1, kh = 1, kw = 1;
  Pads ph, pw;
  bool bias = true;
  Activation activation = Activation::linear;  ///< linear or relu.
  bool training = true;                        ///< backward() will follow, so forward() fills `saved`.
  bool constant_weight = false;                ///< As in Conv2DProblem, and the bias, too.

  /// The convolution by itself, its activation in the forward pass alone.
  Conv2DProblem conv(Pass pass) const;
  Pool2DProblem pool() const;
  Index oh() const { return pool().oh(); }
  Index ow() const { return pool().ow(); }
  Index src_elements() const { return n * ih * iw * ic; }
  Index weight_elements() const { return kh * kw * ic * oc; }
  Index dst_elements() const { return pool().dst_elements(); }
  std::string id() const;  ///< "n2ih6iw6ic3oc4kh3kw3pt1pb1pl1pr1", then "_nobias" and "_relu" where that is so
};

/// forward reads src, weight, bias and writes dst, saved. backward reads src, weight, grad_dst, saved and writes
/// grad_src, grad_weight, grad_bias; those that are not wanted may be empty, but grad_weight only together with grad_bias.
struct ConvPool2DBuffers {
  std::span<const float> src, weight, bias, grad_dst;
  std::span<float> dst, grad_src, grad_weight, grad_bias;
  std::span<std::byte> saved, scratch;
};

using ConvPool2DKernel = TwinKernel<ConvPool2DBuffers>;
using ConvPool2DImplementation = Implementation<ConvPool2DProblem, ConvPool2DKernel>;
std::span<const ConvPool2DImplementation> conv_pool2d_implementations();

}  // namespace saccade::kernels
