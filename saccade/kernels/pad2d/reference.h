#pragma once
#include <span>

#include "saccade/kernels/pad2d/pad2d.h"

namespace saccade::kernels::reference {

template <class T>
void pad2d_forward(const Pad2DProblem& p, std::span<const T> src, std::span<T> dst) {
  std::size_t i = 0;
  for (Index n = 0; n < p.n; ++n) {
    for (Index oh = 0; oh < p.oh(); ++oh) {
      for (Index ow = 0; ow < p.ow(); ++ow) {
        const Index ih = oh - p.ph.before;
        const Index iw = ow - p.pw.before;
        const bool inside = ih >= 0 && ih < p.ih && iw >= 0 && iw < p.iw;
        for (Index oc = 0; oc < p.oc(); ++oc) {
          const Index c = oc - p.pc.before;
          const bool real = inside && c >= 0 && c < p.c;
          dst[i++] = real ? src[usize(((n * p.ih + ih) * p.iw + iw) * p.c + c)] : T(0);
        }
      }
    }
  }
}

template <class T>
void pad2d_backward_data(const Pad2DProblem& p, std::span<const T> grad_dst, std::span<T> grad_src) {
  std::size_t i = 0;
  for (Index n = 0; n < p.n; ++n) {
    for (Index ih = 0; ih < p.ih; ++ih) {
      for (Index iw = 0; iw < p.iw; ++iw) {
        const Index pixel = (n * p.oh() + ih + p.ph.before) * p.ow() + iw + p.pw.before;
        for (Index c = 0; c < p.c; ++c) grad_src[i++] = grad_dst[usize(pixel * p.oc() + p.pc.before + c)];
      }
    }
  }
}

}  // namespace saccade::kernels::reference
