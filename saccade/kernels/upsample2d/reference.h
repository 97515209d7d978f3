#pragma once
#include <algorithm>
#include <span>

#include "saccade/kernels/reference_sum.h"
#include "saccade/kernels/upsample2d/taps.h"

namespace saccade::kernels::reference {

/// Calls use(src element, dst element, weight) for every one of the four weights of every output pixel.
template <class Use>
void for_upsampling(const UpSample2DProblem& p, const Use& use) {
  const std::vector<Tap> rows = upsampling_taps(p.kind, p.ih, p.fh), columns = upsampling_taps(p.kind, p.iw, p.fw);
  for (Index n = 0; n < p.n; ++n) {
    for (Index y = 0; y < p.oh(); ++y) {
      for (Index x = 0; x < p.ow(); ++x) {
        const Tap &row = rows[usize(y)], &column = columns[usize(x)];
        for (Index c = 0; c < p.c; ++c) {
          const std::size_t to = usize(at(n, y, p.oh(), x, p.ow(), c, p.c));
          const auto from = [&](Index h, Index w) { return usize(at(n, h, p.ih, w, p.iw, c, p.c)); };
          use(from(row.low, column.low), to, (1.0 - row.weight) * (1.0 - column.weight));
          use(from(row.low, column.high), to, (1.0 - row.weight) * column.weight);
          use(from(row.high, column.low), to, row.weight * (1.0 - column.weight));
          use(from(row.high, column.high), to, row.weight * column.weight);
        }
      }
    }
  }
}

template <class T>
void upsample2d_forward(const UpSample2DProblem& p, std::span<const T> src, std::span<T> dst) {
  std::vector<Sum<T>> sums(dst.size());
  for_upsampling(p, [&](std::size_t from, std::size_t to, double weight) { sums[to] += weight * Sum<T>(src[from]); });
  std::ranges::transform(sums, dst.begin(), [](const Sum<T>& sum) { return T(sum); });
}

template <class T>
void upsample2d_backward_data(const UpSample2DProblem& p, std::span<const T> grad_dst, std::span<T> grad_src) {
  std::vector<Sum<T>> sums(grad_src.size());
  for_upsampling(p,
                 [&](std::size_t to, std::size_t from, double weight) { sums[to] += weight * Sum<T>(grad_dst[from]); });
  std::ranges::transform(sums, grad_src.begin(), [](const Sum<T>& sum) { return T(sum); });
}

}  // namespace saccade::kernels::reference
