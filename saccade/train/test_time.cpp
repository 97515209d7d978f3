#include "saccade/train/test_time.h"

#include <algorithm>
#include <array>

#include "saccade/base/parallel.h"
#include "saccade/base/place_of.h"

namespace saccade {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"none", "flip", "flip-and-shift"};

/// The pixel that stands at i where a row of n is continued by its mirror image.
Index reflected(Index i, Index n) {
  if (i < 0) return std::min(-i, n - 1);
  return i < n ? i : std::max<Index>(2 * (n - 1) - i, 0);
}

}  // namespace

std::string_view name_of(TestTimeAugmentation augmentation) noexcept {
  return kNames[static_cast<std::size_t>(augmentation)];
}

TestTimeAugmentation test_time_augmentation_named(std::string_view name) {
  return static_cast<TestTimeAugmentation>(place_of(name, kNames, "test-time augmentation", "flip is the usual one"));
}

std::span<const internal::View> internal::views_of(TestTimeAugmentation augmentation) noexcept {
  static constexpr std::array<View, 1> kNone = {View{}};
  static constexpr std::array<View, 2> kFlip = {View{.weight = 0.5F}, {.mirrored = true, .weight = 0.5F}};
  static constexpr std::array<View, 6> kFlipAndShift = {
      View{.weight = 0.25F},           {.mirrored = true, .weight = 0.25F},
      {.shift = 1, .weight = 0.125F},  {.mirrored = true, .shift = 1, .weight = 0.125F},
      {.shift = -1, .weight = 0.125F}, {.mirrored = true, .shift = -1, .weight = 0.125F},
  };
  switch (augmentation) {
    case TestTimeAugmentation::none:
      break;
    case TestTimeAugmentation::flip:
      return kFlip;
    case TestTimeAugmentation::flip_and_shift:
      return kFlipAndShift;
  }
  return kNone;
}

void internal::show(const View& view, const Shape& image, std::span<const float> batch, std::span<float> out) {
  const Index height = image[0], width = image[1], channels = image[2], row = width * channels;
  parallel_for(isize(batch.size()) / row, [&](Index r) {
    const Index y = r % height;
    const float* const from = batch.data() + (r - y + reflected(y - view.shift, height)) * row;
    float* const to = out.data() + r * row;
    for (Index x = 0; x < width; ++x) {
      const Index seen = reflected(x - view.shift, width);
      std::copy_n(from + (view.mirrored ? width - 1 - seen : seen) * channels, channels, to + x * channels);
    }
  });
}

}  // namespace saccade
