#pragma once
#include <span>
#include <string>

#include "saccade/kernels/activation/activation.h"

namespace saccade::kernels {

/// A batch normalisation whose statistics are known, as those read its input who need its output: of a number x of channel c
///   v = (x - mean[c]) * factor[c] + offset[c],  and act(v) behind it.
struct ChannelNorm {
  std::span<const float> mean, factor, offset;
};

/// The gradient before a batch normalisation, as those read it who have the one behind it (before the activation) and the numbers x it normalised:
///   grad * factor[c] + (x - mean[c]) * tilt[c] + shift[c].
struct ChannelNormGradient {
  std::span<const float> mean, factor, tilt, shift;
};

/// A part of matrices [rows, c] of channels, at the first row. The same bits as batch_norm's.
namespace simd {

/// "" where these loops take channels and activation, otherwise the reason why not.
std::string decline_channel_norm(Index c, Activation activation);

/// dst = act(v). dst may be src.
void normalise_rows(Index rows, Index c, Activation activation, const float* src, const ChannelNorm& norm, float* dst);

/// to = grad as ChannelNormGradient says. `to` may be grad.
void normalise_gradient_rows(Index rows, Index c, const float* grad, const float* src, const ChannelNormGradient& norm,
                             float* to);

/// to = grad * act'(v), which may be grad; past the caches with `streams` (whole vectors, then). Adds the sums of that and of that times (src - mean)
/// to sums [2, c].
void mask_gradient_rows(Index rows, Index c, Activation activation, const float* src, const ChannelNorm& norm,
                        const float* grad, float* to, bool streams, double* sums);

}  // namespace simd
}  // namespace saccade::kernels
