#pragma once
#include "saccade/kernels/upsample2d/upsample2d.h"
#include "saccade/nn/layer.h"

namespace saccade {

using kernels::UpSampling;

struct UpSampling2DOptions {
  Size2 size = 2;  ///< How many times higher and wider.
  UpSampling interpolation = UpSampling::nearest;
  std::string name{};
};

/// Larger images: [h,w,c] becomes [size.h * h, size.w * w, c]. Nearest repeats each pixel; bilinear weighs the four around,
/// with pixel centres as tf.image.resize has them. Source: keras.layers.UpSampling2D.
class UpSampling2D final : public LayerOf<UpSampling2D, UpSampling2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "UpSampling2D";
  static void visit(UpSampling2DOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
