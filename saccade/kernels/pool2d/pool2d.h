#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"
#include "saccade/kernels/window.h"

namespace saccade::kernels {

enum class PoolKind : std::uint8_t {
  max,      ///< The largest real pixel of the window; padding never wins. Its gradient goes to the first maximum in
            ///< row-major order.
  average,  ///< The sum of the window's real pixels divided by their number (padding is not counted).
};

/// Pooling over windows, channel by channel. src NHWC [n,ih,iw,c], dst NHWC [n,oh,ow,c]; float32, dense.
/// Overlapping windows add their gradients up. Global pooling is a window of the whole image. Source: tf.nn.max_pool2d,
/// avg_pool2d.
struct Pool2DProblem {
  PoolKind kind = PoolKind::max;
  Index n = 1, ih = 1, iw = 1, c = 1;
  Index kh = 2, kw = 2;
  Index sh = 2, sw = 2;
  Index dh = 1, dw = 1;  ///< Pixels from one of the window to the next.
  Pads ph, pw;
  bool training = true;  ///< backward() will follow, so forward() fills `saved`.

  Index oh() const { return window_count(ih, kh, sh, dh, ph); }
  Index ow() const { return window_count(iw, kw, sw, dw, pw); }
  Index src_elements() const { return n * ih * iw * c; }
  Index dst_elements() const { return n * oh() * ow() * c; }
  std::string id() const;  ///< "n2ih5iw5c3kh2kw2sh2sw2pt0pb1pl0pr1_max"; dilated ones say dh2dw2
};

/// forward reads src and writes dst, saved. backward reads grad_dst, saved and writes grad_src.
struct Pool2DBuffers {
  std::span<const float> src, grad_dst;
  std::span<float> dst, grad_src;
  std::span<std::byte> saved, scratch;
};

using Pool2DKernel = TwinKernel<Pool2DBuffers>;
using Pool2DImplementation = Implementation<Pool2DProblem, Pool2DKernel>;
std::span<const Pool2DImplementation> pool2d_implementations();

}  // namespace saccade::kernels
