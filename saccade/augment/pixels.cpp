#include <fmt/format.h>

#include "saccade/augment/pixels_internal.h"
#include "saccade/base/error.h"

namespace saccade::pixels {

void require_picture(const Shape& hwc, std::size_t values, std::string_view where) {
  if (hwc.rank() == 3 && hwc.elements() >= 1 && values == usize(hwc.elements())) return;
  throw ShapeError({.where = std::string(where),
                    .expected = "the values of a picture [height, width, channels]",
                    .got = fmt::format("{} for {}", values, hwc.to_string()),
                    .fix = "pass one whole picture"});
}

void adjust_contrast(const Shape& hwc, std::span<float> image, double factor) {
  const Index channels = hwc[2];
  double sum = 0.0;
  for (std::size_t i = 0; i < image.size(); i += usize(channels)) sum += grey_of(&image[i], channels);
  const float mean = static_cast<float>(sum / static_cast<double>(hwc[0] * hwc[1]));
  const float by = static_cast<float>(factor);
  for (std::size_t i = 0; i < image.size(); i += usize(channels)) {
    for (Index k = 0; k < color_channels(channels); ++k) {
      float& x = image[i + usize(k)];
      x = std::clamp(mean + by * (x - mean), 0.0F, 255.0F);
    }
  }
}

void adjust_saturation(const Shape& hwc, std::span<float> image, double factor) {
  const Index channels = hwc[2];
  if (channels < 3) return;
  const float by = static_cast<float>(factor);
  for (std::size_t i = 0; i < image.size(); i += usize(channels)) {
    const float grey = grey_of(&image[i], channels);
    for (std::size_t k = i; k < i + 3; ++k) image[k] = std::clamp(grey + by * (image[k] - grey), 0.0F, 255.0F);
  }
}

}  // namespace saccade::pixels
