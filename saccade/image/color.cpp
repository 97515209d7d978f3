#include "saccade/image/color.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "saccade/base/place_of.h"

namespace saccade {
namespace {

constexpr std::array<std::string_view, 3> kNames{"grayscale", "rgb", "rgba"};

std::uint8_t luma(const std::uint8_t* rgb) {
  const std::uint32_t sum = 19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 32768U;
  return static_cast<std::uint8_t>(sum >> 16U);
}

template <class Convert>
void each_pixel(const Tensor& from, Tensor& to, Convert convert) {
  const Index from_step = from.shape()[2];
  const Index to_step = to.shape()[2];
  const Index pixels = from.shape()[0] * from.shape()[1];
  const std::uint8_t* source = from.uint8s().data();
  std::uint8_t* target = to.uint8s().data();
  for (Index i = 0; i < pixels; ++i) convert(source + i * from_step, target + i * to_step);
}

}  // namespace

std::string_view name_of(ColorMode mode) noexcept { return kNames[static_cast<std::size_t>(mode)]; }

ColorMode color_mode_named(std::string_view name) {
  return static_cast<ColorMode>(place_of(name, kNames, "color mode"));
}

Index channels_of(ColorMode mode) noexcept {
  if (mode == ColorMode::grayscale) return 1;
  return mode == ColorMode::rgb ? 3 : 4;
}

Tensor convert_color(Tensor image, ColorMode mode) {
  const ImageSize size = image_size(image, "convert_color");
  const Index channels = channels_of(mode);
  if (size.channels == channels) return image;
  Tensor result({size.height, size.width, channels}, DType::uint8);
  if (channels == 1) {
    each_pixel(image, result, [](const std::uint8_t* from, std::uint8_t* to) { to[0] = luma(from); });
  } else if (size.channels == 1) {
    each_pixel(image, result, [channels](const std::uint8_t* from, std::uint8_t* to) {
      std::fill_n(to, 3, from[0]);
      if (channels == 4) to[3] = 255;
    });
  } else {
    each_pixel(image, result, [channels](const std::uint8_t* from, std::uint8_t* to) {
      std::copy_n(from, 3, to);
      if (channels == 4) to[3] = 255;
    });
  }
  return result;
}

}  // namespace saccade
