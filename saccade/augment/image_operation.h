#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "saccade/base/random.h"
#include "saccade/image/warp.h"
#include "saccade/tensor/shape.h"

namespace saccade {

/// One of RandAugment's fourteen changes (Cubuk et al., 2020; the ranges are torchvision's), with its strength drawn. Pixels
/// are 0..255, and those marked * become whole numbers first, as Pillow's would be.
struct ImageOperation {
  enum class Kind : std::uint8_t {
    identity,
    shear_x,        ///< value: columns by which each row moves against the one above.
    shear_y,        ///< value: rows by which each column moves against the one to its left.
    translate_x,    ///< value: pixels to the right.
    translate_y,    ///< value: pixels down.
    rotate,         ///< value: degrees counter-clockwise.
    brightness,     ///< value: x factor.
    color,          ///< value: factor about each pixel's grey; three channels only.
    contrast,       ///< value: factor about the mean grey.
    sharpness,      ///< * value: factor about the smoothed picture [1 1 1; 1 5 1; 1 1 1] / 13; the border stays.
    posterize,      ///< * value: leading bits that are kept.
    solarize,       ///< * value: levels from here on are inverted.
    auto_contrast,  ///< * each channel stretched to 0..255.
    equalize,       ///< * each channel's histogram made flat.
  };
  static constexpr int kKinds = 14;

  Kind kind = Kind::identity;
  double value = 0.0;

  friend bool operator==(const ImageOperation&, const ImageOperation&) = default;
};

std::string_view name_of(ImageOperation::Kind kind) noexcept;  ///< "shear_x"
/// The kind of that name. Throws ValueError listing the names.
ImageOperation::Kind image_operation_named(std::string_view name);

/// A random kind at `magnitude` (0 to 30), in a random direction. Takes two numbers from the stream.
ImageOperation draw_operation(const Shape& hwc, double magnitude, Stream& stream);

/// Changes a picture [height, width, channels] in place. Alpha stays as it is but under maps. Throws as warp() does.
void apply_operation(const ImageOperation& operation, const Shape& hwc, std::span<float> image,
                     const WarpOptions& options = {});

}  // namespace saccade
