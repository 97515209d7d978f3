#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "saccade/tensor/tensor.h"

namespace saccade {

// An image is a Tensor of uint8 with shape [height, width, channels], rows from the top, pixels from the left, 0..255:
//   1 channel   grey
//   3 channels  red, green, blue
//   4 channels  red, green, blue, alpha; colours are not premultiplied, alpha 255 is opaque
// Every function of this folder that takes "an image" takes such a tensor and throws ShapeError or ValueError otherwise.

/// Extents of an image.
struct ImageSize {
  Index height = 0;
  Index width = 0;
  Index channels = 0;

  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// The extents of `image`. Throws ValueError unless it is uint8, and ShapeError unless it is [height, width, 1, 3 or 4]
/// with at least one pixel; `where` names the caller in the message ("resize").
ImageSize image_size(const Tensor& image, std::string_view where);

/// floor(value + 1/2) within 0..255; 0 for what is not a number.
inline std::uint8_t to_pixel(double value) noexcept {
  const double raised = value + 0.5;
  if (raised >= 255.0) return 255;
  return raised > 0.0 ? static_cast<std::uint8_t>(raised) : std::uint8_t{0};
}

/// The image of the nearest whole numbers, to_pixel() of each value. Throws ShapeError unless hwc is an image's shape and there
/// are as many values.
Tensor round_to_image(const Shape& hwc, std::span<const float> values);

/// An opaque colour.
struct Rgb {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;

  friend bool operator==(const Rgb&, const Rgb&) = default;
};

}  // namespace saccade
