#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "saccade/base/integer.h"
#include "saccade/tensor/shape.h"

namespace saccade {

/// Which views of an image a prediction is the mean of: the outputs of all are averaged, before the loss.
enum class TestTimeAugmentation : std::uint8_t {
  none,            ///< The image.
  flip,            ///< The image, and mirrored left to right.
  flip_and_shift,  ///< Both at half the weight; and both moved by a pixel up and left, and down and right, a quarter each.
};

std::string_view name_of(TestTimeAugmentation augmentation) noexcept;  ///< "none", "flip" or "flip-and-shift"
/// The one of that name. Throws ValueError listing the names.
TestTimeAugmentation test_time_augmentation_named(std::string_view name);

namespace internal {

/// How an image is shown: mirrored or not, moved down and right by so many pixels (what comes in is reflected at the border
/// without repeating it), and what its outputs count for.
struct View {
  bool mirrored = false;
  Index shift = 0;
  float weight = 1.0F;
};
/// The weights add up to 1; the first is the image itself.
std::span<const View> views_of(TestTimeAugmentation augmentation) noexcept;

/// Writes that view of each image of a batch [n, *image] to `out` of as many numbers, which overlaps nothing.
void show(const View& view, const Shape& image, std::span<const float> batch, std::span<float> out);

}  // namespace internal
}  // namespace saccade
