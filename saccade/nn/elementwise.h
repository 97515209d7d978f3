#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct ActivationOptions {
  Activation activation = relu;
  float negative_slope = 0.2F;             ///< Of leaky_relu only, zero or more.
  float elu_alpha = 1.0F;                  ///< Of elu only, zero or more: y approaches -alpha.
  float hard_sigmoid_slope = 1.0F / 6.0F;  ///< Of hard_sigmoid only, above zero (ONNX: alpha, 0.2 there).
  float hard_sigmoid_offset = 0.5F;        ///< Of hard_sigmoid only, finite (ONNX: beta).
  float clip_low = 0.0F;                   ///< Of clip only, finite, at most clip_high.
  float clip_high = 1.0F;                  ///< Of clip only, finite.
  std::string name{};
};

/// An activation as a layer of its own, any shape in and out; softmax and log_softmax run over the last axis. Most layers take
/// `.activation` instead, which is faster. Source: keras.layers.Activation, LeakyReLU, ELU;
/// keras.activations.
class ActivationLayer final : public LayerOf<ActivationLayer, ActivationOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Activation";
  static void visit(ActivationOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  Activation activation() const override { return options_.activation; }
  /// Whether it is one that other layers take as their `.activation`: element by element, with the usual parameters.
  bool is_usual() const;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

struct DropoutOptions {
  float rate = 0.5F;  ///< Share of units set to zero, 0 <= rate < 1.
  std::string name{};
};

/// In training sets each unit to zero with probability `rate` and multiplies the others by 1 / (1 - rate); otherwise
/// does nothing. Any shape. The choice is addressed by (seed, step, image, layer). Source: keras.layers.Dropout.
class Dropout final : public LayerOf<Dropout, DropoutOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Dropout";
  static void visit(DropoutOptions& options, OptionVisitor& visitor) { visitor.visit("rate", options.rate); }
  Shape infer(std::span<const Shape> src) const override;
  bool is_random() const override { return options_.rate > 0.0F; }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
