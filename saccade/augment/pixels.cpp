#include "saccade/augment/pixels_internal.h"

namespace saccade::pixels {

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
