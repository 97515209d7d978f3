#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "saccade/tensor/shape.h"

/// What changes of colour share. Pictures are [height, width, channels] in 0..255.
namespace saccade::pixels {

/// As a conversion to uint8 that does not wrap; what is no number becomes 0.
inline float whole(float x) {
  return x > 0.0F ? static_cast<float>(static_cast<std::int32_t>(std::min(x, 255.0F))) : 0.0F;
}

/// whole() of each value. Three loops of one step each become vectors; one of all three would branch.
inline void make_whole(std::span<float> values) {
  for (float& x : values) x = x > 0.0F ? x : 0.0F;
  for (float& x : values) x = x < 255.0F ? x : 255.0F;
  for (float& x : values) x = static_cast<float>(static_cast<std::int32_t>(x));
}

inline float grey_of(const float* pixel, Index channels) {
  return channels < 3 ? pixel[0] : 0.299F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2];
}

/// Channels that hold colour, not alpha.
inline Index color_channels(Index channels) { return channels == 4 ? 3 : channels; }

/// Throws ShapeError unless hwc is [height, width, channels] with a pixel, and as many values are there.
void require_picture(const Shape& hwc, std::size_t values, std::string_view where);

/// x = change(x, value of its channel) for every x, channels innermost. Values stand many times in a row, for vectors.
template <class Change>
void change_channels(std::span<float> image, std::span<const float> of_channel, Change&& change) {
  constexpr std::size_t kMostChannels = 8, kRepeats = 16;
  const std::size_t channels = of_channel.size();
  std::size_t i = 0;
  if (channels <= kMostChannels) {
    std::array<float, kMostChannels * kRepeats> row;
    const std::size_t length = channels * kRepeats;
    for (std::size_t j = 0; j < length; ++j) row[j] = of_channel[j % channels];
    for (; i + length <= image.size(); i += length) {
      float* const block = image.data() + i;
      for (std::size_t j = 0; j < length; ++j) block[j] = change(block[j], row[j]);
    }
  }
  for (; i < image.size(); ++i) image[i] = change(image[i], of_channel[i % channels]);
}

/// clip(mean + factor (x - mean), 0, 255) about the mean of all pixels' greys.
void adjust_contrast(const Shape& hwc, std::span<float> image, double factor);
/// The same about each pixel's own grey; nothing happens to pictures without colour.
void adjust_saturation(const Shape& hwc, std::span<float> image, double factor);
/// Turns each pixel's hue by so many times 360 degrees; nothing happens to pictures without colour.
void adjust_hue(const Shape& hwc, std::span<float> image, double turns);

}  // namespace saccade::pixels
