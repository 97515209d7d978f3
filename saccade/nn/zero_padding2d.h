#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct ZeroPadding2DOptions {
  Padding padding = pads(1, 1, 1, 1);  ///< pads(top, bottom, left, right); valid and same are errors.
  Index channels_before = 0;           ///< Channels of zeros put in front, and after: the shortcuts of ResNets without
  Index channels_after = 0;            ///< weights ("option A") need them.
  std::string name{};
};

/// A frame of zeros around each image: [h,w,c] becomes [top+h+bottom, left+w+right,
/// before+c+after]. Source:
/// keras.layers.ZeroPadding2D.
class ZeroPadding2D final : public LayerOf<ZeroPadding2D, ZeroPadding2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "ZeroPadding2D";
  static void visit(ZeroPadding2DOptions& options, OptionVisitor& visitor) {
    visitor.visit("padding", options.padding);
    visitor.visit("channels_before", options.channels_before);
    visitor.visit("channels_after", options.channels_after);
  }
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
