#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct PReLUOptions {
  Initializer alpha_initializer = Initializer::zeros();  ///< PyTorch starts at constant(0.25).
  std::string name{};
};

/// Leaky ReLU whose slope is learned, one a channel: y = x < 0 ? alpha[c] * x : x. Any shape [..., c]; parameter alpha
/// [c]. Source: He et al. 2015; keras.layers.PReLU with shared_axes over the pixels, torch.nn.PReLU.
class PReLU final : public LayerOf<PReLU, PReLUOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "PReLU";
  static void visit(PReLUOptions& options, OptionVisitor& visitor) {
    visitor.visit("alpha_initializer", options.alpha_initializer);
  }
  Shape infer(std::span<const Shape> src) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
