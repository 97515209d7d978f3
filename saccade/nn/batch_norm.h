#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct BatchNormOptions {
  float momentum = 0.99F;  ///< moving = momentum * moving + (1 - momentum) * batch, 0 <= momentum < 1.
  float epsilon = 1e-3F;   ///< Added to the variance, > 0.
  bool scale = true;       ///< Whether gamma learns; otherwise it stays 1, and is a state.
  std::string name{};
};

/// Batch normalisation over all axes but the last:
///   training:   y = gamma * (x - mean) / sqrt(variance + epsilon) + beta   with the batch's mean and population
///   variance
///   inference:  y = gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta
/// Any shape [..., c]; parameters gamma, beta [c] learn (gamma with `scale` only), moving_mean and moving_variance [c] are states. A frozen
/// layer (freeze matches its moving_mean) runs as in inference and updates nothing, as in TensorFlow 2. Source: Ioffe
/// and Szegedy 2015; keras.layers.BatchNormalization.
class BatchNorm final : public LayerOf<BatchNorm, BatchNormOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "BatchNorm";
  static void visit(BatchNormOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
