#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct LocalResponseNormOptions {
  Index size = 5;  ///< Channels of a window, at least 1.
  float alpha = 1e-4F;
  float beta = 0.75F;
  float bias = 1.0F;  ///< Above 0 (PyTorch: k).
  std::string name{};
};

/// Local response normalisation across channels, as ONNX and PyTorch write it:
///   y[c] = x[c] / (bias + alpha / size * sum of x[j]^2 over the `size` channels around c)^beta
/// Any shape [..., c]. TensorFlow's alpha is alpha / size here, its size 2 * depth_radius + 1. Source: Krizhevsky et al.
/// 2012; torch.nn.LocalResponseNorm.
class LocalResponseNorm final : public LayerOf<LocalResponseNorm, LocalResponseNormOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "LocalResponseNorm";
  static void visit(LocalResponseNormOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
