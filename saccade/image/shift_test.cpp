#include "saccade/image/shift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

std::vector<float> shifted(const std::vector<float>& src, const Shape& hwc, Index down, Index right, float fill = 0) {
  std::vector<float> dst(src.size(), std::nanf(""));
  translate(src, hwc, down, right, dst, fill);
  return dst;
}

TEST(Translate, MovesAndFills) {
  const std::vector<float> src = {1, 2, 3, 4, 5, 6};
  const Shape hwc{2, 3, 1};
  EXPECT_EQ(shifted(src, hwc, 0, 0), src);
  EXPECT_EQ(shifted(src, hwc, 0, 1), (std::vector<float>{0, 1, 2, 0, 4, 5}));
  EXPECT_EQ(shifted(src, hwc, 0, -2), (std::vector<float>{3, 0, 0, 6, 0, 0}));
  EXPECT_EQ(shifted(src, hwc, 1, 0, 9), (std::vector<float>{9, 9, 9, 1, 2, 3}));
  EXPECT_EQ(shifted(src, hwc, -1, 1, 9), (std::vector<float>{9, 4, 5, 9, 9, 9}));
}

TEST(Translate, MovesWholePixels) {
  EXPECT_EQ(shifted({1, 2, 3, 4, 5, 6}, {1, 3, 2}, 0, 1), (std::vector<float>{0, 0, 1, 2, 3, 4}));
}

// Against the formula, for every shift of a small picture.
TEST(Translate, EqualsItsDefinition) {
  const Shape hwc{3, 4, 2};
  std::vector<float> src(usize(hwc.elements()));
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = static_cast<float>(i + 1);
  for (Index down = -4; down <= 4; ++down) {
    for (Index right = -5; right <= 5; ++right) {
      std::vector<float> wanted;
      for (Index y = 0; y < 3; ++y) {
        for (Index x = 0; x < 4; ++x) {
          for (Index c = 0; c < 2; ++c) {
            const Index from_y = y - down;
            const Index from_x = x - right;
            const bool inside = from_y >= 0 && from_y < 3 && from_x >= 0 && from_x < 4;
            wanted.push_back(inside ? src[usize((from_y * 4 + from_x) * 2 + c)] : -1.0F);
          }
        }
      }
      EXPECT_EQ(shifted(src, hwc, down, right, -1.0F), wanted) << down << ", " << right;
    }
  }
}

TEST(Translate, TakesAnyShift) {
  constexpr Index kFar = std::numeric_limits<Index>::max();
  for (const Index shift : {kFar, -kFar - 1}) {
    EXPECT_EQ(shifted({1, 2, 3, 4}, {2, 2, 1}, shift, 0, 5), (std::vector<float>{5, 5, 5, 5}));
    EXPECT_EQ(shifted({1, 2, 3, 4}, {2, 2, 1}, 0, shift, 5), (std::vector<float>{5, 5, 5, 5}));
  }
  EXPECT_EQ(shifted({}, {0, 2, 1}, 1, 1), std::vector<float>{});
}

TEST(Translate, RefusesWrongSizesAndOverlap) {
  std::vector<float> values(12);
  const std::span<float> all = values;
  EXPECT_EQ(
      test::text_of<ShapeError>([&] {
        translate(all.first(4), {2, 2, 1}, 0, 0, all.last(3));
      }),
      "translate: expected [height, width, channels] = [2, 2, 1] in both spans, got 4 source and 3 target values; "
      "pass one whole picture and a target of the same size");
  EXPECT_EQ(test::text_of<ValueError>([&] {
              translate(all.first(6), {2, 3, 1}, 0, 0, all.subspan(5, 6));
            }),
            "translate: expected a target apart from the source, got overlapping memory; write to another tensor");
  EXPECT_EQ(test::text_of<ValueError>([&] {
              translate(all.first(6), {2, 3, 1}, 0, 0, all.subspan(6, 6));
            }),
            "no error");
}

}  // namespace
}  // namespace saccade
