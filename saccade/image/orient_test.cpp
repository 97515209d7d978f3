#include "saccade/image/orient.h"

#include <gtest/gtest.h>

#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::image_of;
using test::pixels_of;

TEST(Orient, FollowsTheExifTable) {
  // 1 2 3
  // 4 5 6
  const Tensor stored = image_of({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  const std::vector<std::vector<int>> wanted = {
      {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
      {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4},
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Tensor seen = orient(stored, orientation);
    EXPECT_EQ(seen.shape(), orientation < 5 ? Shape({2, 3, 1}) : Shape({3, 2, 1})) << orientation;
    EXPECT_EQ(pixels_of(seen), wanted[usize(orientation - 1)]) << orientation;
  }
}

TEST(Orient, MovesWholePixels) {
  const Tensor stored = image_of({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(pixels_of(orient(stored, 2)), (std::vector{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(pixels_of(orient(stored, 6)), (std::vector{1, 2, 3, 4, 5, 6}));
}

TEST(Orient, RefusesOtherNumbers) {
  for (const int orientation : {-1, 0, 9}) {
    EXPECT_EQ(test::text_of<ValueError>([&] { orient(test::noise(1, 1, 1), orientation); }),
              "orient: expected an EXIF orientation from 1 to 8, got " + std::to_string(orientation) +
                  "; use 1 to leave the image as it is");
  }
}

}  // namespace
}  // namespace saccade
