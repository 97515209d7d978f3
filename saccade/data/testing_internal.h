#pragma once
// What the tests of image flows share: folders of little pictures.
#include <algorithm>
#include <filesystem>

#include "saccade/image/encode.h"

namespace saccade::data {

/// One colour all over, [height, width, 3].
inline Tensor plain_image(Index height, Index width, std::uint8_t value) {
  Tensor image({height, width, 3}, DType::uint8);
  std::ranges::fill(image.uint8s(), value);
  return image;
}

/// Writes a picture of one colour, in the format that the name ends in, and the folders above it.
inline void write_plain(const std::filesystem::path& path, std::uint8_t value = 100, Index height = 6,
                        Index width = 8) {
  std::filesystem::create_directories(path.parent_path());
  write_image(path, plain_image(height, width, value));
}

}  // namespace saccade::data
