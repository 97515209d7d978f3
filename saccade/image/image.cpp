#include "saccade/image/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "saccade/base/error.h"

namespace saccade {

ImageSize image_size(const Tensor& image, std::string_view where) {
  if (image.dtype() != DType::uint8) {
    throw ValueError({.where = std::string(where),
                      .expected = "an image of uint8",
                      .got = std::string(name_of(image.dtype())),
                      .fix = "scale the values to 0..255 and convert them first"});
  }
  const Shape& shape = image.shape();
  const bool fits =
      shape.rank() == 3 && shape[0] > 0 && shape[1] > 0 && (shape[2] == 1 || shape[2] == 3 || shape[2] == 4);
  if (!fits) {
    throw ShapeError({.where = std::string(where),
                      .expected = "an image [height, width, channels] with 1, 3 or 4 channels and at least one pixel",
                      .got = shape.to_string(),
                      .fix = "reshape it to height, width, channels"});
  }
  return {.height = shape[0], .width = shape[1], .channels = shape[2]};
}

Tensor round_to_image(const Shape& hwc, std::span<const float> values) {
  Tensor image(hwc, DType::uint8);
  image_size(image, "round_to_image");
  if (isize(values.size()) != hwc.elements()) {
    throw ShapeError({.where = "round_to_image",
                      .expected = fmt::format("{} values for {}", hwc.elements(), hwc.to_string()),
                      .got = fmt::format("{}", values.size()),
                      .fix = "pass the whole picture"});
  }
  std::ranges::transform(values, image.uint8s().begin(), [](float x) { return to_pixel(static_cast<double>(x)); });
  return image;
}

}  // namespace saccade
