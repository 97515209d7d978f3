#pragma once
#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/reference.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

/// Calls tap(kh, ih) for the filter rows of output row o that meet a real pixel, in order; columns likewise.
template <class Tap>
void for_taps(Index o, Index taps, Index stride, Index dilation, Index pad, Index in, Tap&& tap) {
  for (Index k = 0; k < taps; ++k) {
    const Index i = o * stride + k * dilation - pad;
    if (i >= 0 && i < in) tap(k, i);
  }
}

/// The formula of Conv2DProblem, word for word.
template <class T>
void conv2d_forward(const Conv2DProblem& p, const T* src, const T* weight, const T* bias, T* dst) {
  const Index oh = p.oh(), ow = p.ow(), group_ic = p.ic / p.groups, group_oc = p.oc / p.groups;
  parallel_for(p.n * oh, [&](Index row) {
    const Index n = row / oh, y = row % oh;
    for (Index x = 0; x < ow; ++x) {
      for (Index o = 0; o < p.oc; ++o) {
        const Index first_channel = o / group_oc * group_ic;
        Sum<T> sum = p.bias ? Sum<T>(bias[o]) : Sum<T>(0);
        for_taps(y, p.kh, p.sh, p.dh, p.ph.before, p.ih, [&](Index kh, Index ih) {
          for_taps(x, p.kw, p.sw, p.dw, p.pw.before, p.iw, [&](Index kw, Index iw) {
            for (Index i = 0; i < group_ic; ++i) {
              sum += Sum<T>(src[at(n, ih, p.ih, iw, p.iw, first_channel + i, p.ic)]) *
                     Sum<T>(weight[at(kh, kw, p.kw, i, group_ic, o, p.oc)]);
            }
          });
        });
        dst[at(n, y, oh, x, ow, o, p.oc)] = activate(p.activation, T(sum));
      }
    }
  });
}

/// dst = act((src - mean) * factor + offset), what the convolution reads with the problem's norm. Written out for any
/// number type.
template <class T>
void normalise_source(const Conv2DProblem& p, const T* src, const T* mean, const T* factor, const T* offset, T* dst) {
  for (Index i = 0; i < p.src_elements(); ++i) {
    const Index c = i % p.ic;
    dst[i] = activate(*p.norm, T((Sum<T>(src[i]) - Sum<T>(mean[c])) * Sum<T>(factor[c]) + Sum<T>(offset[c])));
  }
}

/// The gradient of normalise_source(), from that of what it wrote, and its sums for either coefficient:
/// grad_v = grad * act', grad_offset = sum of grad_v, grad_factor = sum of grad_v * (src - mean).
template <class T>
void normalise_source_backward(const Conv2DProblem& p, const T* src, const T* mean, const T* factor, const T* offset,
                               const T* grad, T* grad_v, T* grad_factor, T* grad_offset) {
  for (Index c = 0; c < p.ic; ++c) {
    Sum<T> sum(0), product(0);
    for (Index i = c; i < p.src_elements(); i += p.ic) {
      const Sum<T> difference = Sum<T>(src[i]) - Sum<T>(mean[c]);
      const T value = T(difference * Sum<T>(factor[c]) + Sum<T>(offset[c]));
      grad_v[i] = activation_gradient<T>({.activation = *p.norm}, activate(*p.norm, value), grad[i]);
      sum += Sum<T>(grad_v[i]);
      product += Sum<T>(grad_v[i]) * difference;
    }
    grad_offset[c] = T(sum);
    grad_factor[c] = T(product);
  }
}

/// Calls tap(k, o) for the filter rows through which input row i reaches a window o, in order; columns likewise.
template <class Tap>
void for_windows(Index i, Index taps, Index stride, Index dilation, Index pad, Index out, Tap&& tap) {
  for (Index k = 0; k < taps; ++k) {
    const Index distance = i + pad - k * dilation;
    if (distance >= 0 && distance % stride == 0 && distance / stride < out) tap(k, distance / stride);
  }
}

/// grad_src[n,ih,iw,i] = sum of grad_dst[n,oh,ow,o] * weight[kh,kw,i,o] over every use the forward pass made of that
/// pixel.
template <class T>
void conv2d_backward_data(const Conv2DProblem& p, const T* grad_dst, const T* weight, T* grad_src) {
  const Index oh = p.oh(), ow = p.ow(), group_ic = p.ic / p.groups, group_oc = p.oc / p.groups;
  parallel_for(p.n * p.ih, [&](Index row) {
    const Index n = row / p.ih, ih = row % p.ih;
    for (Index iw = 0; iw < p.iw; ++iw) {
      for (Index c = 0; c < p.ic; ++c) {
        const Index first_filter = c / group_ic * group_oc;
        Sum<T> sum(0);
        for_windows(ih, p.kh, p.sh, p.dh, p.ph.before, oh, [&](Index kh, Index y) {
          for_windows(iw, p.kw, p.sw, p.dw, p.pw.before, ow, [&](Index kw, Index x) {
            for (Index o = first_filter; o < first_filter + group_oc; ++o) {
              sum += Sum<T>(grad_dst[at(n, y, oh, x, ow, o, p.oc)]) *
                     Sum<T>(weight[at(kh, kw, p.kw, c % group_ic, group_ic, o, p.oc)]);
            }
          });
        });
        grad_src[at(n, ih, p.ih, iw, p.iw, c, p.ic)] = T(sum);
      }
    }
  });
}

/// grad_weight[kh,kw,i,o] = sum of src * grad_dst over every use the forward pass made of that weight;
/// grad_bias[o] = sum of grad_dst[n,oh,ow,o] (when the problem has a bias).
template <class T>
void conv2d_backward_weights(const Conv2DProblem& p, const T* src, const T* grad_dst, T* grad_weight, T* grad_bias) {
  const Index oh = p.oh(), ow = p.ow(), group_ic = p.ic / p.groups, group_oc = p.oc / p.groups;
  parallel_for(p.weight_elements(), [&](Index element) {
    const Index o = element % p.oc, i = element / p.oc % group_ic;
    const Index kw = element / p.oc / group_ic % p.kw, kh = element / p.oc / group_ic / p.kw;
    const Index c = o / group_oc * group_ic + i;
    Sum<T> sum(0);
    for (Index n = 0; n < p.n; ++n) {
      for (Index y = 0; y < oh; ++y) {
        const Index ih = y * p.sh + kh * p.dh - p.ph.before;
        if (ih < 0 || ih >= p.ih) continue;
        for (Index x = 0; x < ow; ++x) {
          const Index iw = x * p.sw + kw * p.dw - p.pw.before;
          if (iw < 0 || iw >= p.iw) continue;
          sum += Sum<T>(src[at(n, ih, p.ih, iw, p.iw, c, p.ic)]) * Sum<T>(grad_dst[at(n, y, oh, x, ow, o, p.oc)]);
        }
      }
    }
    grad_weight[element] = T(sum);
  });
  if (!p.bias) return;
  parallel_for(p.oc, [&](Index o) {
    Sum<T> sum(0);
    for (Index pixel = 0; pixel < p.n * oh * ow; ++pixel) sum += Sum<T>(grad_dst[pixel * p.oc + o]);
    grad_bias[o] = T(sum);
  });
}

}  // namespace saccade::kernels::reference
