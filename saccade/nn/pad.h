#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

enum class PadMode : std::uint8_t {
  constant,  ///< `value`.
  edge,      ///< What stands at the border.
  reflect,   ///< What stands as far on the other side of the border, which itself is not repeated.
};

struct PadOptions {
  Index axis = -1;  ///< Of one image, the batch not counted; negative ones count from the end.
  Index before = 0;
  Index after = 0;
  PadMode mode = PadMode::constant;
  float value = 0.0F;  ///< Of constant only, finite.
  std::string name{};
};

/// More positions before and after those of an axis: [h,w,c] along axis 0 becomes [before+h+after,w,c]. With reflect,
/// both must be smaller than the axis. Zeros around an image are ZeroPadding2D. Source: numpy.pad.
class Pad final : public LayerOf<Pad, PadOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Pad";
  static void visit(PadOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
