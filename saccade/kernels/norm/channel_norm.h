#pragma once
#include <span>
#include <string>

#include "saccade/kernels/activation/activation.h"

namespace saccade::kernels {

/// A batch normalisation whose statistics are known, for those who read its input because they need its output:
/// of a number x of channel c,  v = (x - mean[c]) * factor[c] + offset[c],  and act(v) behind it.
struct ChannelNorm {
  std::span<const float> mean, factor, offset;
};

/// The gradient before a batch normalisation, for those who read the one behind it (before the activation), and what
/// was normalised:  grad * factor[c] + (x - mean[c]) * tilt[c] + shift[c].
struct ChannelNormGradient {
  std::span<const float> mean, factor, tilt, shift;
};

}  // namespace saccade::kernels

namespace saccade::kernels::simd {

// Loops over a few rows of a matrix [rows, c], channels in whole vectors. What they write has the same bits as
// batch_norm's. Of what they read they fetch what lies 8 KB behind, as it comes from memory row by row.

/// "" where they take the channels and the activation, otherwise the reason why not.
std::string decline_channel_norm(Index c, Activation activation);

/// dst = act(v). dst may be src.
void normalise_rows(Index rows, Index c, Activation activation, const float* src, const ChannelNorm& norm, float* dst);

/// to = grad, as ChannelNormGradient says, src being what was normalised. `to` may be grad.
void normalise_gradient_rows(Index rows, Index c, const float* grad, const float* src, const ChannelNormGradient& norm,
                             float* to);

/// The gradient of act(v), to become that of v.
struct MaskedRows {
  Index rows, c;
  const float* src;   ///< What was normalised.
  const float* grad;  ///< [rows, c]
  float* to;          ///< grad * act'(v); may be grad.
  bool streams;       ///< Written past the caches: on whole vectors, and not over grad.
  double* sums;       ///< [2, c], to which those of `to` and of `to` * (src - mean) are added: in float over 16 rows.
};
void mask_gradient_rows(Activation activation, const ChannelNorm& norm, const MaskedRows& rows);

}  // namespace saccade::kernels::simd
