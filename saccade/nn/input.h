#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct InputOptions {
  Shape shape{};  ///< Of one image, HWC, without the batch axis.
  std::string name{};
};

/// Where images enter: every network starts with one. `Input{{28, 28, 1}}`.
class Input final : public LayerOf<Input, InputOptions> {
 public:
  static constexpr std::string_view kType = "Input";
  explicit Input(Shape shape, std::string name = {}) : LayerOf({.shape = shape, .name = std::move(name)}) {}
  explicit Input(InputOptions options) : LayerOf(std::move(options)) {}
  static void visit(InputOptions& options, OptionVisitor& visitor) { visitor.visit("shape", options.shape); }

  std::pair<int, int> input_count() const override { return {0, 0}; }
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

/// Starts functional building: `Node x = input({32, 32, 3});`
Node input(Shape shape, std::string name = {});

}  // namespace saccade
