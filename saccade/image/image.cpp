#include "saccade/image/image.h"

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

}  // namespace saccade
