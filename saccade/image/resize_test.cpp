#include "saccade/image/resize.h"

#include <gtest/gtest.h>

#include <map>

#include "saccade/base/parallel.h"
#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::image_of;
using test::pixels_of;
using test::text_of;
using enum Interpolation;

std::vector<int> resized(const Tensor& image, Index height, Index width, Interpolation interpolation) {
  return pixels_of(resize(image, {.height = height, .width = width, .interpolation = interpolation}));
}

// Rows recorded from Pillow 9.4.
TEST(Resize, GivesPillowsRows) {
  const Tensor row = image_of({1, 6, 1}, {0, 40, 80, 120, 160, 200});
  EXPECT_EQ(resized(row, 1, 3, nearest), (std::vector{40, 120, 200}));
  EXPECT_EQ(resized(row, 1, 3, box), (std::vector{20, 100, 180}));
  EXPECT_EQ(resized(row, 1, 3, bilinear), (std::vector{29, 100, 171}));
  EXPECT_EQ(resized(row, 1, 3, hamming), (std::vector{22, 100, 178}));
  EXPECT_EQ(resized(row, 1, 3, bicubic), (std::vector{22, 100, 178}));
  EXPECT_EQ(resized(row, 1, 3, lanczos), (std::vector{19, 100, 181}));
  EXPECT_EQ(resized(row, 1, 4, nearest), (std::vector{0, 80, 120, 200}));
  EXPECT_EQ(resized(row, 1, 4, bilinear), (std::vector{15, 71, 129, 185}));
  EXPECT_EQ(resized(row, 1, 9, bicubic), (std::vector{0, 16, 47, 73, 100, 127, 153, 184, 203}));
}

TEST(Resize, TreatsColumnsAsRows) {
  const Tensor row = image_of({1, 6, 1}, {0, 40, 80, 120, 160, 200});
  const Tensor column = row.reshaped({6, 1, 1});
  for (const Interpolation interpolation : kInterpolations) {
    for (const Index length : {1, 3, 4, 9, 13}) {
      EXPECT_EQ(resized(column, length, 1, interpolation), resized(row, 1, length, interpolation))
          << name_of(interpolation) << " to " << length;
    }
  }
}

// Pictures recorded from Pillow 9.4: both passes, the 8 bits between them, shrinking and growing.
TEST(Resize, GivesPillowsPictures) {
  Tensor image({5, 7, 1}, DType::uint8);
  for (Index i = 0; i < 35; ++i) image.uint8s()[usize(i)] = static_cast<std::uint8_t>(i * 37 % 256);
  const std::map<Interpolation, std::vector<int>> shrunk = {
      {nearest, {0, 74, 148, 222, 6, 80, 154, 228, 12, 86, 160, 234}},
      {box, {21, 95, 150, 206, 25, 99, 154, 210, 30, 104, 159, 215}},
      {bilinear, {20, 78, 146, 204, 25, 83, 151, 209, 30, 88, 156, 214}},
      {hamming, {17, 80, 144, 207, 22, 85, 149, 212, 27, 90, 154, 217}},
      {bicubic, {16, 78, 146, 208, 21, 83, 151, 213, 26, 88, 156, 218}},
      {lanczos, {15, 78, 146, 209, 20, 83, 151, 214, 25, 88, 156, 219}},
  };
  for (const auto& [interpolation, wanted] : shrunk) {
    EXPECT_EQ(resized(image, 3, 4, interpolation), wanted) << name_of(interpolation);
  }
  EXPECT_EQ(resized(image, 6, 9, lanczos),
            (std::vector{0, 21, 56, 81, 111, 141, 166, 201, 224, 1,  23, 58, 83, 113, 143, 168, 203, 226,
                         3, 26, 61, 86, 116, 146, 171, 206, 229, 5,  28, 63, 88, 118, 148, 173, 208, 231,
                         8, 31, 66, 91, 121, 151, 176, 211, 234, 10, 33, 68, 93, 123, 153, 178, 213, 236}));
}

TEST(Resize, TreatsChannelsAlike) {
  const Tensor grey = test::noise(9, 11, 1);
  Tensor color({9, 11, 3}, DType::uint8);
  for (std::size_t i = 0; i < usize(color.elements()); ++i) color.uint8s()[i] = grey.uint8s()[i / 3];
  for (const Interpolation interpolation : kInterpolations) {
    const std::vector<int> one = resized(grey, 5, 17, interpolation);
    const std::vector<int> three = resized(color, 5, 17, interpolation);
    for (std::size_t i = 0; i < three.size(); ++i) ASSERT_EQ(three[i], one[i / 3]) << name_of(interpolation);
  }
}

// Recorded from Pillow 9.4, which premultiplies alpha for every filter but nearest.
TEST(Resize, WeighsColoursByAlpha) {
  Tensor image({3, 4, 4}, DType::uint8);
  for (Index i = 0; i < 48; ++i) image.uint8s()[usize(i)] = static_cast<std::uint8_t>(i * 53 % 256);
  EXPECT_EQ(resized(image, 2, 2, nearest),
            (std::vector{212, 9, 62, 115, 124, 177, 230, 27, 116, 169, 222, 19, 28, 81, 134, 187}));
  EXPECT_EQ(resized(image, 2, 2, bilinear),
            (std::vector{87, 77, 119, 158, 182, 86, 84, 88, 90, 126, 143, 121, 96, 84, 136, 166}));
  EXPECT_EQ(resized(image, 2, 2, lanczos),
            (std::vector{83, 76, 123, 174, 237, 79, 58, 74, 90, 140, 153, 118, 96, 77, 138, 177}));
}

TEST(Resize, KeepsAFlatColour) {
  Tensor image({13, 7, 3}, DType::uint8);
  for (std::size_t i = 0; i < usize(image.elements()); ++i)
    image.uint8s()[i] = static_cast<std::uint8_t>(50 + i % 3 * 100);
  for (const Interpolation interpolation : kInterpolations) {
    const std::vector<int> result = resized(image, 31, 3, interpolation);
    for (std::size_t i = 0; i < result.size(); ++i) {
      ASSERT_EQ(result[i], 50 + static_cast<int>(i % 3) * 100) << name_of(interpolation);
    }
  }
}

TEST(Resize, KeepsAnImageOfThatSize) {
  const Tensor image = test::noise(6, 5, 4);
  for (const Interpolation interpolation : kInterpolations) {
    EXPECT_EQ(resized(image, 6, 5, interpolation), pixels_of(image)) << name_of(interpolation);
  }
}

TEST(Resize, DoesNotDependOnThreads) {
  const Tensor image = test::noise(301, 257, 3);
  const int threads = thread_count();
  for (const Interpolation interpolation : kInterpolations) {
    set_thread_count(1);
    const std::vector<int> one = resized(image, 123, 400, interpolation);
    set_thread_count(3);
    EXPECT_EQ(resized(image, 123, 400, interpolation), one) << name_of(interpolation);
  }
  set_thread_count(threads);
}

// Worked values: keras-preprocessing's load_img.
TEST(Crop, HasTheTargetsProportions) {
  EXPECT_EQ(centered_crop(50, 100, 25, 25), (Crop{.top = 0, .left = 25, .height = 50, .width = 50}));
  EXPECT_EQ(centered_crop(4, 6, 2, 2), (Crop{.top = 0, .left = 1, .height = 4, .width = 4}));
  EXPECT_EQ(centered_crop(7, 7, 3, 3), (Crop{.top = 0, .left = 0, .height = 7, .width = 7}));
  EXPECT_EQ(centered_crop(100, 30, 10, 20), (Crop{.top = 42, .left = 0, .height = 15, .width = 30}));
  EXPECT_EQ(centered_crop(1, 500, 100, 1), (Crop{.top = 0, .left = 249, .height = 1, .width = 1}));
  EXPECT_EQ(
      text_of<ValueError>([] { centered_crop(4, 0, 2, 2); }),
      "centered_crop: expected sides of at least 1, got 4 x 0 for 2 x 2; pass the image's and the target's height and "
      "width");
}

TEST(Crop, TakesThatPart) {
  const Tensor image = image_of({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(pixels_of(crop(image, {.top = 0, .left = 1, .height = 2, .width = 2})), (std::vector{2, 3, 5, 6}));
  EXPECT_EQ(pixels_of(crop(image, {.top = 1, .left = 0, .height = 1, .width = 3})), (std::vector{4, 5, 6}));
  EXPECT_TRUE(test::same(crop(image, {.height = 2, .width = 3}), image));
  for (const Crop& part : {Crop{.top = -1, .height = 1, .width = 1}, Crop{.left = 3, .height = 1, .width = 1},
                           Crop{.height = 3, .width = 1}, Crop{.height = 0, .width = 1}}) {
    EXPECT_TRUE(text_of<ValueError>([&] { crop(image, part); }).starts_with("crop: expected a part of 2 x 3, got "));
  }
}

TEST(Resize, NeedsASize) {
  EXPECT_EQ(text_of<ValueError>([] { resize(test::noise(2, 2, 1), {.height = 4}); }),
            "resize: expected a height and a width of at least 1, got 4 x 0; set .height and .width");
  EXPECT_EQ(text_of<ValueError>([] { resize(test::noise(2, 2, 1), {.height = -1, .width = 2}); }),
            "resize: expected a height and a width of at least 1, got -1 x 2; set .height and .width");
}

TEST(Interpolation, HasKerasNames) {
  for (const Interpolation interpolation : kInterpolations) {
    EXPECT_EQ(interpolation_named(name_of(interpolation)), interpolation);
  }
  EXPECT_EQ(text_of<ValueError>([] { interpolation_named("cubic"); }),
            "interpolation: expected one of nearest, box, bilinear, hamming, bicubic, lanczos, got 'cubic'; use one of "
            "these names");
}

}  // namespace
}  // namespace saccade
