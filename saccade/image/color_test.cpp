#include "saccade/image/color.h"

#include <gtest/gtest.h>

#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::image_of;
using test::pixels_of;
using test::text_of;

TEST(ConvertColor, GreyIsPillowsLuma) {
  const Tensor image = image_of({1, 6, 3}, {255, 0, 0, 0, 255, 0, 0, 0, 255, 100, 150, 200, 255, 255, 255, 0, 0, 0});
  EXPECT_EQ(pixels_of(convert_color(image, ColorMode::grayscale)), (std::vector{76, 150, 29, 141, 255, 0}));
}

TEST(ConvertColor, GreyIgnoresAlpha) {
  EXPECT_EQ(pixels_of(convert_color(image_of({1, 1, 4}, {100, 150, 200, 0}), ColorMode::grayscale)),
            (std::vector{141}));
}

TEST(ConvertColor, AlphaIsAddedOpaqueAndDroppedUnblended) {
  const Tensor color = image_of({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(pixels_of(convert_color(color, ColorMode::rgba)), (std::vector{1, 2, 3, 255, 4, 5, 6, 255}));
  EXPECT_EQ(pixels_of(convert_color(image_of({1, 1, 4}, {9, 8, 7, 0}), ColorMode::rgb)), (std::vector{9, 8, 7}));
  const Tensor grey = image_of({2, 1, 1}, {7, 9});
  EXPECT_EQ(pixels_of(convert_color(grey, ColorMode::rgb)), (std::vector{7, 7, 7, 9, 9, 9}));
  EXPECT_EQ(pixels_of(convert_color(grey, ColorMode::rgba)), (std::vector{7, 7, 7, 255, 9, 9, 9, 255}));
}

TEST(ConvertColor, KeepsAnImageInThatMode) {
  for (const ColorMode mode : {ColorMode::grayscale, ColorMode::rgb, ColorMode::rgba}) {
    const Tensor image = test::noise(3, 4, channels_of(mode));
    EXPECT_TRUE(test::same(convert_color(image, mode), image));
  }
}

TEST(ColorMode, HasKerasNames) {
  for (const ColorMode mode : {ColorMode::grayscale, ColorMode::rgb, ColorMode::rgba}) {
    EXPECT_EQ(color_mode_named(name_of(mode)), mode);
  }
  EXPECT_EQ(text_of<ValueError>([] { color_mode_named("bgr"); }),
            "color mode: expected one of grayscale, rgb, rgba, got 'bgr'; use one of these names");
}

}  // namespace
}  // namespace saccade
