#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

enum class Resampling : std::uint8_t {
  nearest,
  linear,  ///< Between the two positions around.
  cubic,   ///< Between the four around (Keys 1981).
};

/// Where output i of an axis lies on the input's: for `scale` outputs an input, x =
enum class Coordinates : std::uint8_t {
  half_pixel,          ///< (i + 0.5) / scale - 0.5: pixels have an extent. TensorFlow, Keras, PIL.
  pytorch_half_pixel,  ///< The same, but 0 for a single output.
  align_corners,       ///< i * (in - 1) / (scale * in - 1): first and last lie on first and last.
  asymmetric,          ///< i / scale.
  half_pixel_floor,    ///< (i + 0.5) / scale: what TensorFlow 1 used for nearest neighbours.
};

/// Which neighbour is the nearest.
enum class Rounding : std::uint8_t {
  prefer_floor,  ///< Halves go down.
  prefer_ceil,   ///< Halves go up.
  floor,
  ceil,
};

struct ResampleOptions {
  Index axis = 0;      ///< Of one image, the batch not counted; negative ones count from the end.
  Index size = 1;      ///< How many outputs.
  float scale = 0.0F;  ///< Outputs an input, for Coordinates; 0 means size / extent.
  Resampling method = Resampling::linear;
  Coordinates coordinates = Coordinates::half_pixel;
  Rounding rounding = Rounding::prefer_floor;  ///< Of nearest only.
  float cubic_a = -0.75F;                      ///< Of cubic only: -0.75 as OpenCV and PyTorch, -0.5 as TensorFlow.
  bool exclude_outside = false;                ///< Weights of positions beyond the border are dropped, not moved there.
  bool antialias = false;  ///< Where there are fewer outputs than inputs, each is an average over 1 / scale.
  std::string name{};
};

/// One axis read at other places: y at i is the weighted mean of the positions around x(i), or the nearest of them.
/// Beyond the border stands what stands at the border. Two of them change the size of an image; UpSampling2D is the short
/// way to whole factors. [h,w,c] along axis 0 becomes [size,w,c]. Source: ONNX Resize, torch's interpolate.
class Resample final : public LayerOf<Resample, ResampleOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Resample";
  static void visit(ResampleOptions& options, OptionVisitor& visitor);
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
