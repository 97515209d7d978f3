#pragma once
#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/formula.h"
#include "saccade/kernels/pool2d/pool2d.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

/// Calls tap(ih, iw) for the real pixels of window [y, x], rows then columns.
template <class Tap>
void for_window_pixels(const Pool2DProblem& p, Index y, Index x, Tap&& tap) {
  for (Index kh = 0; kh < p.kh; ++kh) {
    const Index ih = y * p.sh + kh * p.dh - p.ph.before;
    if (ih < 0 || ih >= p.ih) continue;
    for (Index kw = 0; kw < p.kw; ++kw) {
      const Index iw = x * p.sw + kw * p.dw - p.pw.before;
      if (iw >= 0 && iw < p.iw) tap(ih, iw);
    }
  }
}

/// The real pixels of a window.
inline Index count_pixels(const Pool2DProblem& p, Index y, Index x) {
  Index pixels = 0;
  for_window_pixels(p, y, x, [&](Index, Index) { ++pixels; });
  return pixels;
}

/// The pixel (ih * p.iw + iw) of a window's first maximum in one channel of one image; -1 without real pixels.
template <class T>
Index first_maximum(const Pool2DProblem& p, const T* image, Index y, Index x, Index c) {
  Index best = -1;
  for_window_pixels(p, y, x, [&](Index ih, Index iw) {
    const Index pixel = ih * p.iw + iw;
    if (best < 0 || branch_value(image[best * p.c + c]) < branch_value(image[pixel * p.c + c])) best = pixel;
  });
  return best;
}

/// The formula of Pool2DProblem, word for word.
template <class T>
void pool2d_forward(const Pool2DProblem& p, const T* src, T* dst) {
  const Index oh = p.oh(), ow = p.ow();
  parallel_for(p.n * oh, [&](Index row) {
    const Index n = row / oh, y = row % oh;
    const T* const image = src + n * p.ih * p.iw * p.c;
    for (Index x = 0; x < ow; ++x) {
      for (Index c = 0; c < p.c; ++c) {
        T& result = dst[at(n, y, oh, x, ow, c, p.c)];
        if (p.kind == PoolKind::max) {
          const Index best = first_maximum(p, image, y, x, c);
          result = best < 0 ? T(0) : image[best * p.c + c];
        } else {
          Sum<T> sum(0);
          for_window_pixels(p, y, x, [&](Index ih, Index iw) { sum += Sum<T>(image[(ih * p.iw + iw) * p.c + c]); });
          const Index pixels = count_pixels(p, y, x);
          result = pixels == 0 ? T(0) : T(sum / static_cast<double>(pixels));
        }
      }
    }
  });
}

/// Every window hands its gradient to its first maximum, or shares it out among its real pixels. Only max pooling reads
/// src.
template <class T>
void pool2d_backward(const Pool2DProblem& p, const T* src, const T* grad_dst, T* grad_src) {
  const Index oh = p.oh(), ow = p.ow(), image = p.ih * p.iw * p.c;
  parallel_for(p.n, [&](Index n) {
    T* const grad = grad_src + n * image;
    for (Index i = 0; i < image; ++i) grad[i] = T(0);
    for (Index y = 0; y < oh; ++y) {
      for (Index x = 0; x < ow; ++x) {
        const T* const given = grad_dst + at(n, y, oh, x, ow, 0, p.c);
        for (Index c = 0; c < p.c; ++c) {
          if (p.kind == PoolKind::max) {
            const Index best = first_maximum(p, src + n * image, y, x, c);
            if (best >= 0) grad[best * p.c + c] += given[c];
          } else {
            const T share = given[c] / T(static_cast<double>(count_pixels(p, y, x)));
            for_window_pixels(p, y, x, [&](Index ih, Index iw) { grad[(ih * p.iw + iw) * p.c + c] += share; });
          }
        }
      }
    }
  });
}

}  // namespace saccade::kernels::reference
