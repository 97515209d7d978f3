#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"
#include "saccade/kernels/norm/channel_norm.h"
#include "saccade/kernels/window.h"

namespace saccade::kernels {

/// Two-dimensional convolution as TensorFlow means it (cross-correlation: the filter is not flipped).
///
///   dst[n,oh,ow,oc] = act(bias[oc] + sum over kh,kw,i of
///                         src[n, oh*sh + kh*dh - pt, ow*sw + kw*dw - pl, g*ic/groups + i] * weight[kh,kw,i,oc])
///   with g = floor(oc / (OC / groups)), OC the number of output channels.
///
/// src NHWC [n,ih,iw,ic], weight HWIO [kh,kw,ic/groups,oc], bias [oc], dst NHWC [n,oh,ow,oc]; float32, dense.
/// Pixels outside src count as 0. Dilation counts from 1, as in Keras. Source: tf.nn.conv2d.
struct Conv2DProblem {
  Pass pass = Pass::forward;
  Index n = 1, ih = 1, iw = 1, ic = 1;
  Index oc = 1, kh = 1, kw = 1;
  Index sh = 1, sw = 1;
  Index dh = 1, dw = 1;
  Pads ph, pw;
  Index groups = 1;
  bool bias = true;  ///< A bias is added (forward), or grad_bias is wanted (backward_weights).
  Activation activation =
      Activation::linear;  ///< Forward only, and never softmax; backward passes take the gradient before it.

  /// Forward only: the weight of the first run is that of every run, so it may be kept in another layout.
  bool constant_weight = false;

  /// The source is read through a batch normalisation and this activation behind it (Conv2DBuffers::norm): in the
  /// formula above, act(v) of channel_norm.h stands in place of src; pixels outside stay 0. Backward, for
  /// conv2d_backward.h alone, grad_src is the gradient of v.
  std::optional<Activation> norm{};
  /// grad_dst is read through the gradient of the batch normalisation behind (Conv2DBuffers::grad_norm): for
  /// conv2d_backward.h alone.
  bool grad_norm = false;

  Index oh() const { return window_count(ih, kh, sh, dh, ph); }
  Index ow() const { return window_count(iw, kw, sw, dw, pw); }
  Index src_elements() const { return n * ih * iw * ic; }
  Index dst_elements() const { return n * oh() * ow() * oc; }
  Index weight_elements() const { return kh * kw * (ic / groups) * oc; }
  /// Multiply-adds of one pass, counting taps that fall outside src.
  Index multiply_adds() const { return dst_elements() * kh * kw * (ic / groups); }
  /// The benchmark's and the tests' name for it: "n2ih5iw5ic3oc4kh3kw3sh2sw2dh1dw1pt0pb1pl0pr1g1", then "_nobias" and
  /// "_relu" where that is so, and "_norm" or "_normrelu6" for what the source is read through.
  std::string id() const;
  friend bool operator==(const Conv2DProblem&, const Conv2DProblem&) = default;
};

/// Forward reads src, weight, bias and writes dst. backward_data reads grad_dst, weight and writes grad_src.
/// backward_weights reads src, grad_dst and writes grad_weight, grad_bias. The others stay empty. With a problem's
/// norm: src as it was before, and `norm`; backward, norm_sums [2, ic] are also written, the sums over all pixels of
/// grad_src and of grad_src * (src - mean). With its grad_norm: grad_norm, and what it normalised, dst_in.
struct Conv2DBuffers {
  std::span<const float> src, weight, bias, grad_dst;
  std::span<float> dst, grad_src, grad_weight, grad_bias;
  std::span<std::byte> scratch;
  ChannelNorm norm{};
  std::span<double> norm_sums{};
  ChannelNormGradient grad_norm{};
  std::span<const float> dst_in{};
};

using Conv2DKernel = Kernel<Conv2DBuffers>;
using Conv2DImplementation = Implementation<Conv2DProblem, Conv2DKernel>;

/// Whether kernels made from now on add up the products of the definition, and no others: without Winograd's convolutions,
/// which need fewer multiplications but round more (winograd.h). Off at first. Call it from the main thread, before others start.
void set_exact_convolutions(bool exact) noexcept;
bool exact_convolutions() noexcept;

/// Fastest first, the reference last.
std::span<const Conv2DImplementation> conv2d_implementations();

}  // namespace saccade::kernels
