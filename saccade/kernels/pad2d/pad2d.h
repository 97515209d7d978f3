#pragma once
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"
#include "saccade/kernels/window.h"

namespace saccade::kernels {

/// Zeros around each image: src NHWC [n,ih,iw,c] to dst [n, ph.before+ih+ph.after, pw.before+iw+pw.after,
/// pc.before+c+pc.after].
/// backward_data cuts the frame off. oneDNN has no primitive for it.
struct Pad2DProblem {
  Pass pass = Pass::forward;
  Index n = 1, ih = 1, iw = 1, c = 1;
  Pads ph, pw, pc;
  Index oh() const { return ih + ph.before + ph.after; }
  Index ow() const { return iw + pw.before + pw.after; }
  Index oc() const { return c + pc.before + pc.after; }
  std::string id() const;
};

struct Pad2DBuffers {
  std::span<const float> src, grad_dst;
  std::span<float> dst, grad_src;
};

using Pad2DKernel = Kernel<Pad2DBuffers>;
using Pad2DImplementation = Implementation<Pad2DProblem, Pad2DKernel>;
std::span<const Pad2DImplementation> pad2d_implementations();

}  // namespace saccade::kernels
