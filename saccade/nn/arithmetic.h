#pragma once
#include "saccade/kernels/arithmetic/arithmetic.h"
#include "saccade/nn/layer.h"

namespace saccade {

using kernels::ArithmeticKind;

struct ArithmeticOptions {
  ArithmeticKind operation = ArithmeticKind::add;
  Shape operand{};             ///< Of one input: the shape of the numbers it is combined with, at least one axis.
  bool operand_first = false;  ///< operand - x and operand / x.
  bool trainable = false;      ///< Whether the operand is learned, or stays as it is in training too.
  std::string name{};
};

/// Two inputs element by element, or one input and numbers of its own: y = a + b, a - b, a * b or a / b. Inputs have
/// equally many axes, and where one has an extent of 1 it is repeated along that axis; an operand may have fewer axes,
/// those of the input's end ([c] or [1] beside [h,w,c]). Parameter operand, zeros at the start (ones where it multiplies
/// or divides). In-graph normalisation of images is two of these. Source: numpy's broadcasting; keras.layers.Subtract.
class Arithmetic final : public LayerOf<Arithmetic, ArithmeticOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Arithmetic";
  static void visit(ArithmeticOptions& options, OptionVisitor& visitor);
  std::pair<int, int> input_count() const override { return {1, 2}; }
  Shape infer(std::span<const Shape> src) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
