#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels {

/// A convolution of single pixels and the depthwise one behind it in one, forward only, so that what lies between them, the
/// larger part of a network like MobileNetV2, never goes to memory:
///
///   between[n,y,x,o] = act(bias[o] + sum over i of src[n,y,x,i] * weight[i,o])
///   dst[n,oh,ow,o] = act(depthwise_bias[o] + sum over kh,kw of
///                        between[n, oh*sh + kh - pt, ow*sw + kw - pl, o] * depthwise_weight[kh,kw,o])
///
/// that is Conv2DProblem with a window of 1x1, then Conv2DProblem with as many groups as channels; pixels outside `between` count
/// as 0. src NHWC [n,ih,iw,ic], weight [ic,oc], depthwise_weight [kh,kw,oc], both biases [oc], dst NHWC [n,oh,ow,oc];
/// float32, dense.
struct ConvDepthwise2DProblem {
  Index n = 1, ih = 1, iw = 1, ic = 1;
  Index oc = 1, kh = 1, kw = 1;
  Index sh = 1, sw = 1;
  Pads ph, pw;
  bool bias = true;                            ///< Of both.
  Activation activation = Activation::linear;  ///< Of both; never softmax.
  bool constant_weight = false;                ///< As in Conv2DProblem; it is meant of `weight`.

  Conv2DProblem conv() const;
  Conv2DProblem depthwise() const;
  Index oh() const { return depthwise().oh(); }
  Index ow() const { return depthwise().ow(); }
  Index src_elements() const { return n * ih * iw * ic; }
  Index dst_elements() const { return n * oh() * ow() * oc; }
  std::string id() const;  ///< "n2ih6iw6ic3oc32kh3kw3sh1sw1pt1pb1pl1pr1", then "_nobias" and "_relu6" where that is so
};

struct ConvDepthwise2DBuffers {
  std::span<const float> src, weight, bias, depthwise_weight, depthwise_bias;
  std::span<float> dst;
  std::span<std::byte> scratch;
};

using ConvDepthwise2DKernel = Kernel<ConvDepthwise2DBuffers>;
using ConvDepthwise2DImplementation = Implementation<ConvDepthwise2DProblem, ConvDepthwise2DKernel>;
std::span<const ConvDepthwise2DImplementation> conv_depthwise2d_implementations();

}  // namespace saccade::kernels
