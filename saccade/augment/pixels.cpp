#include <fmt/format.h>

#include <cmath>

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
  std::array<double, 4> sums{};  // of every fourth pixel: four additions at a time
  std::size_t pixel = 0;
  for (std::size_t i = 0; i < image.size(); i += usize(channels), ++pixel) {
    sums[pixel % 4] += static_cast<double>(grey_of(&image[i], channels));
  }
  const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const float mean = static_cast<float>(sum / static_cast<double>(hwc[0] * hwc[1]));
  const float by = static_cast<float>(factor);
  const auto changed = [=](float x) { return std::clamp(mean + by * (x - mean), 0.0F, 255.0F); };
  if (channels != 4) {
    for (float& x : image) x = changed(x);
    return;
  }
  for (std::size_t i = 0; i < image.size(); ++i) {
    if (i % 4 != 3) image[i] = changed(image[i]);
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

void adjust_hue(const Shape& hwc, std::span<float> image, double turns) {
  if (hwc[2] < 3) return;
  const float by = static_cast<float>(6.0 * (turns - std::floor(turns)));  // sixths of the circle, 0 to 6
  for (std::size_t i = 0; i < image.size(); i += usize(hwc[2])) {
    float& red = image[i];
    float& green = image[i + 1];
    float& blue = image[i + 2];
    const float value = std::max({red, green, blue}), chroma = value - std::min({red, green, blue});
    if (!(chroma > 0.0F)) continue;
    const float sixths = value == red     ? (green - blue) / chroma
                         : value == green ? 2.0F + (blue - red) / chroma
                                          : 4.0F + (red - green) / chroma;  // -1 to 5
    const float hue = sixths + by;
    // How much of its chroma a colour lacks that lies `from` sixths further on.
    const auto turned = [&](float from) {
      float away = hue + from;  // -1 to 16
      if (away >= 12.0F) away -= 12.0F;
      if (away >= 6.0F) away -= 6.0F;
      return value - chroma * std::clamp(std::min(away, 4.0F - away), 0.0F, 1.0F);
    };
    red = turned(5.0F);
    green = turned(3.0F);
    blue = turned(1.0F);
  }
}

}  // namespace saccade::pixels
