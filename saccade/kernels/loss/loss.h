#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Losses over rows of predictions [rows, classes]; a sum over the batch, the mean is the caller's division.
/// oneDNN has no primitive for losses.
struct LossProblem {
  enum class Kind : std::uint8_t {
    /// From logits z: loss_r = w_r * sum over c of -t[r,c] * log_softmax(z_r)[c];  grad[r,c] = scale * w_r *
    /// (softmax(z_r)[c] * sum(t_r) - t[r,c]).
    softmax_cross_entropy,
    /// From probabilities p, as Keras: q = clip(p / sum p, 1e-7, 1 - 1e-7), loss_r = w_r * sum over c of -t[r,c] * log
    /// q[c]; the gradient is of that formula, zero where the clip holds.
    cross_entropy,
    /// loss_r = w_r * mean over c of (p[r,c] - t[r,c])^2;  grad[r,c] = scale * w_r * 2 (p[r,c] - t[r,c]) / classes.
    mean_squared_error,
  };
  Kind kind = Kind::softmax_cross_entropy;
  Index rows = 1;
  Index classes = 1;
  float label_smoothing = 0.0F;  ///< a: t becomes t (1 - a) + a / classes. Cross-entropies only.
  std::string id() const;
};

/// Targets are `labels` (sparse, 0 <= label < classes; one-hot t) or `targets` (dense t [rows, classes]); the other
/// stays empty. w_r = sample_weight[r] (1 when empty) * class_weight[label] (1 when empty; for dense t the class of the
/// largest target). Writes row_loss [rows] and, unless it is empty, grad [rows, classes] = scale * d(sum of
/// losses)/d(prediction). grad may be prediction. A label outside 0..classes-1 is the caller's to reject.
struct LossBuffers {
  std::span<const float> prediction;
  std::span<const std::int32_t> labels;
  std::span<const float> targets;
  std::span<const float> sample_weight;
  std::span<const float> class_weight;
  float scale = 1.0F;
  std::span<float> row_loss, grad;
};

using LossKernel = Kernel<LossBuffers>;
using LossImplementation = Implementation<LossProblem, LossKernel>;
std::span<const LossImplementation> loss_implementations();

}  // namespace saccade::kernels
