#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct DenseOptions {
  Index units = 0;  ///< Outputs, at least 1.
  Activation activation = Activation::linear;
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer bias_initializer = Initializer::zeros();
  float l2 = 0.0F;  ///< Adds l2 * sum(weight^2) to the loss (Keras: kernel_regularizer=L2(l2)).
  std::string name{};
};

/// Fully connected layer: y[u] = act(bias[u] + sum over k of x[k] * weight[k,u]).
/// Input [k], output [units]; parameters weight [k,units] and bias [units]. Put Flatten before it where the input is
/// an image.
/// Throws ValueError or ShapeError. Source: keras.layers.Dense.
class Dense final : public LayerOf<Dense, DenseOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Dense";
  static void visit(DenseOptions& options, OptionVisitor& visitor);

  Shape infer(std::span<const Shape> src) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> src) const override;
  Index multiply_adds(std::span<const Shape> src) const override;
  Activation activation() const override { return options_.activation; }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
