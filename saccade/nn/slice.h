#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct SliceOptions {
  Index axis = -1;  ///< Of one image, the batch not counted; negative ones count from the end.
  Index start = 0;  ///< The first position that is taken.
  Index count = 1;  ///< How many.
  Index step = 1;   ///< From one to the next; negative goes backwards, 0 is an error.
  std::string name{};
};

/// A part of an axis: y at i is x at start + i * step, for i from 0 to count - 1. [h,w,c] along axis 2 becomes
/// [h,w,count]. What is not taken gets the gradient 0. Source: numpy's x[..., start : start + count * step : step].
class Slice final : public LayerOf<Slice, SliceOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Slice";
  static void visit(SliceOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
