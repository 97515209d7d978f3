#pragma once
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

enum class UpSampling : std::uint8_t {
  nearest,   ///< Every pixel becomes a block of fh x fw.
  bilinear,  ///< Between the centres of the pixels, as tf.image.resize does: no pixel is weighted at the corner.
};

/// Larger images: src NHWC [n,ih,iw,c] to dst [n, ih*fh, iw*fw, c]. Along each axis output o stands at
/// x = (o + 1/2) / f - 1/2 of the input, between the pixels floor(x) and floor(x) + 1, both held within the image:
///   nearest:   dst = src[floor(o / f)]
///   bilinear:  dst = (1 - t) src[floor(x)] + t src[floor(x) + 1] with t = x - floor(x), rows and columns alike
/// backward_data: grad_src is the sum of grad_dst with those weights. Source: keras.layers.UpSampling2D.
struct UpSample2DProblem {
  Pass pass = Pass::forward;
  UpSampling kind = UpSampling::nearest;
  Index n = 1, ih = 1, iw = 1, c = 1;
  Index fh = 2, fw = 2;
  Index oh() const { return ih * fh; }
  Index ow() const { return iw * fw; }
  std::string id() const;
};

struct UpSample2DBuffers {
  std::span<const float> src, grad_dst;
  std::span<float> dst, grad_src;
};

using UpSample2DKernel = Kernel<UpSample2DBuffers>;
using UpSample2DImplementation = Implementation<UpSample2DProblem, UpSample2DKernel>;
std::span<const UpSample2DImplementation> upsample2d_implementations();

}  // namespace saccade::kernels
