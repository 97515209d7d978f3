#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

enum class Reduction : std::uint8_t { mean, sum };

struct ReduceOptions {
  Reduction reduction = Reduction::mean;
  Index axis = -1;        ///< Of one image, the batch not counted; negative ones count from the end.
  bool keepdims = false;  ///< The axis stays, with an extent of 1; it always does where it is the only one.
  std::string name{};
};

/// The mean or the sum along one axis: [h,w,c] along axis 0 becomes [w,c]. Pooling over a whole image is
/// GlobalAveragePool2D. Source: numpy.mean, numpy.sum.
class Reduce final : public LayerOf<Reduce, ReduceOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Reduce";
  static void visit(ReduceOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
