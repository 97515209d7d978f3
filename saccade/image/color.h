#pragma once
#include <cstdint>
#include <string_view>

#include "saccade/image/image.h"

namespace saccade {

/// What the channels of an image mean; Keras's `color_mode`.
enum class ColorMode : std::uint8_t {
  grayscale,  ///< 1 channel.
  rgb,        ///< 3 channels.
  rgba,       ///< 4 channels.
};

std::string_view name_of(ColorMode mode) noexcept;  ///< "grayscale", "rgb" or "rgba"
/// The mode of that name. Throws ValueError listing the names.
ColorMode color_mode_named(std::string_view name);
/// Channels of an image in that mode: 1, 3 or 4.
Index channels_of(ColorMode mode) noexcept;

/// The image in another mode, bit for bit as Pillow's Image.convert:
///   grey from colour  (19595 R + 38470 G + 7471 B + 32768) >> 16   (ITU-R 601-2 luma)
///   colour from grey  R = G = B = grey
///   alpha             255 when added, dropped without blending when removed
/// An image already in that mode is returned as it is.
Tensor convert_color(Tensor image, ColorMode mode);

}  // namespace saccade
