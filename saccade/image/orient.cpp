#include "saccade/image/orient.h"

#include <algorithm>
#include <array>
#include <string>

#include "saccade/base/error.h"

namespace saccade {
namespace {

/// How a result pixel finds its source: rows and columns may trade places, then each axis may run backwards.
struct Turn {
  bool transposed;
  bool rows_backwards;
  bool columns_backwards;
};
constexpr std::array<Turn, 9> kTurns{{
    {},  // 0 is not an orientation
    {.transposed = false, .rows_backwards = false, .columns_backwards = false},
    {.transposed = false, .rows_backwards = false, .columns_backwards = true},
    {.transposed = false, .rows_backwards = true, .columns_backwards = true},
    {.transposed = false, .rows_backwards = true, .columns_backwards = false},
    {.transposed = true, .rows_backwards = false, .columns_backwards = false},
    {.transposed = true, .rows_backwards = true, .columns_backwards = false},
    {.transposed = true, .rows_backwards = true, .columns_backwards = true},
    {.transposed = true, .rows_backwards = false, .columns_backwards = true},
}};

}  // namespace

Tensor orient(Tensor image, int exif_orientation) {
  const ImageSize size = image_size(image, "orient");
  if (exif_orientation < 1 || exif_orientation > 8) {
    throw ValueError({.where = "orient",
                      .expected = "an EXIF orientation from 1 to 8",
                      .got = std::to_string(exif_orientation),
                      .fix = "use 1 to leave the image as it is"});
  }
  if (exif_orientation == 1) return image;
  const Turn turn = kTurns[usize(exif_orientation)];
  const Index height = turn.transposed ? size.width : size.height;
  const Index width = turn.transposed ? size.height : size.width;
  Tensor result({height, width, size.channels}, DType::uint8);
  const std::uint8_t* source = image.uint8s().data();
  std::uint8_t* target = result.uint8s().data();
  for (Index row = 0; row < height; ++row) {
    for (Index column = 0; column < width; ++column) {
      Index from_row = turn.transposed ? column : row;
      Index from_column = turn.transposed ? row : column;
      if (turn.rows_backwards) from_row = size.height - 1 - from_row;
      if (turn.columns_backwards) from_column = size.width - 1 - from_column;
      const std::uint8_t* pixel = source + (from_row * size.width + from_column) * size.channels;
      target = std::copy_n(pixel, size.channels, target);
    }
  }
  return result;
}

}  // namespace saccade
