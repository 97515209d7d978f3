#include "saccade/image/image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::text_of;

TEST(ImageSize, IsHeightWidthChannels) {
  for (const Index channels : {1, 3, 4}) {
    const Tensor image({2, 5, channels}, DType::uint8);
    EXPECT_EQ(image_size(image, "here"), (ImageSize{.height = 2, .width = 5, .channels = channels}));
  }
}

TEST(ImageSize, RefusesWhatIsNoImage) {
  EXPECT_EQ(text_of<ValueError>([] {
              image_size(Tensor({2, 2, 3}), "here");
            }),
            "here: expected an image of uint8, got float32; scale the values to 0..255 and convert them first");
  const auto shape_error = [](const Shape& shape) {
    return text_of<ShapeError>([&] { image_size(Tensor(shape, DType::uint8), "here"); });
  };
  EXPECT_EQ(shape_error({2, 2, 2}),
            "here: expected an image [height, width, channels] with 1, 3 or 4 channels and at least one pixel, got "
            "[2, 2, 2]; reshape it to height, width, channels");
  for (const Shape& shape : {Shape{2, 2}, Shape{0, 2, 3}, Shape{2, 0, 1}, Shape{1, 2, 2, 3}, Shape{}}) {
    EXPECT_TRUE(shape_error(shape).starts_with("here: expected an image [")) << shape.to_string();
  }
}

TEST(RoundToImage, TakesTheNearestWholeNumberWithin255) {
  const std::vector<float> values{-3.0F,  0.49F, 0.5F,     99.5F,     254.49F, 254.5F,
                                  300.0F, NAN,   INFINITY, -INFINITY, 7.0F,    8.2F};
  const Tensor image = round_to_image({2, 2, 3}, values);
  EXPECT_EQ(std::vector<int>(image.uint8s().begin(), image.uint8s().end()),
            (std::vector<int>{0, 0, 1, 100, 254, 255, 255, 0, 255, 0, 7, 8}));
  EXPECT_EQ(text_of<ShapeError>([&] {
              round_to_image({2, 2, 1}, values);
            }),
            "round_to_image: expected 4 values for [2, 2, 1], got 12; pass the whole picture");
  EXPECT_TRUE(text_of<ShapeError>([&] {
                round_to_image({3, 2, 2}, values);
              }).starts_with("round_to_image: expected an image"));
}

}  // namespace
}  // namespace saccade
