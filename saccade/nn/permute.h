#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct PermuteOptions {
  Shape axes{};  ///< As many numbers as the input has axes, each from 0 on once; the batch is not counted and stays.
  std::string name{};
};

/// Axes in another order: axis k of the output is axis axes[k] of the input, so [h,w,c] with axes {2,0,1} becomes
/// [c,h,w]. Moves the data. Source: keras.layers.Permute, which counts from 1; numpy.transpose.
class Permute final : public LayerOf<Permute, PermuteOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Permute";
  static void visit(PermuteOptions& options, OptionVisitor& visitor) { visitor.visit("axes", options.axes); }
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
