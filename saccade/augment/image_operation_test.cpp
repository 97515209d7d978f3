#include "saccade/augment/image_operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using Kind = ImageOperation::Kind;
using Values = std::vector<float>;
using testing::ElementsAre;
using testing::ElementsAreArray;

Values changed(Kind kind, double value, Values image, const Shape& hwc, const WarpOptions& options = {}) {
  apply_operation({kind, value}, hwc, image, options);
  return image;
}

const Values kPicture{10, 20, 30, 40, 50, 200, 70, 80, 90, 100, 110, 120, 130, 140, 150, 255};

Values on_picture(Kind kind, double value) { return changed(kind, value, kPicture, {4, 4, 1}); }

/// 40 x 40 pixels of 97 levels.
Values stripes() {
  Values image(1600);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i * 7 % 97);
  return image;
}

// Values of Pillow 9.4.
TEST(ImageOperation, DoesWhatPillowDoes) {
  EXPECT_THAT(on_picture(Kind::posterize, 4),
              ElementsAre(0, 16, 16, 32, 48, 192, 64, 80, 80, 96, 96, 112, 128, 128, 144, 240));
  EXPECT_THAT(on_picture(Kind::solarize, 100),
              ElementsAre(10, 20, 30, 40, 50, 55, 70, 80, 90, 155, 145, 135, 125, 115, 105, 0));
  EXPECT_THAT(on_picture(Kind::sharpness, .1),
              ElementsAre(10, 20, 30, 40, 50, 122, 79, 80, 90, 109, 126, 120, 130, 140, 150, 255));
  EXPECT_THAT(on_picture(Kind::sharpness, 1.9),
              ElementsAre(10, 20, 30, 40, 50, 255, 60, 80, 90, 90, 93, 120, 130, 140, 150, 255));
  EXPECT_THAT(on_picture(Kind::equalize, 0), ElementsAreArray(kPicture)) << "too few pixels to tell";
  const Values equal = changed(Kind::equalize, 0, stripes(), {40, 40, 1});
  EXPECT_THAT(Values(equal.begin(), equal.begin() + 12),
              ElementsAre(0, 19, 39, 58, 77, 97, 116, 135, 154, 174, 193, 212));
  EXPECT_EQ(std::accumulate(equal.begin(), equal.end(), 0.0), 210927);
  const Values stretched = changed(Kind::auto_contrast, 0, stripes(), {40, 40, 1});
  EXPECT_THAT(Values(stretched.begin(), stretched.begin() + 12),
              ElementsAre(0, 18, 37, 55, 74, 92, 111, 130, 148, 167, 185, 204));
  EXPECT_EQ(std::accumulate(stretched.begin(), stretched.end(), 0.0), 202627);
}

TEST(ImageOperation, ChannelsAreChangedOneByOneAndAlphaNever) {
  const Values image{0, 100, 50, 7, 10, 200, 50, 8};
  EXPECT_THAT(changed(Kind::auto_contrast, 0, image, {1, 2, 4}), ElementsAre(0, 0, 50, 7, 255, 255, 50, 8));
  EXPECT_THAT(changed(Kind::solarize, 60, image, {1, 2, 4}), ElementsAre(0, 155, 50, 7, 10, 55, 50, 8));
  EXPECT_THAT(changed(Kind::brightness, 2, image, {1, 2, 4}), ElementsAre(0, 200, 100, 7, 20, 255, 100, 8));
}

TEST(ImageOperation, WhatIsNoNumberBecomesBlack) {
  for (const Kind kind : {Kind::equalize, Kind::auto_contrast, Kind::posterize, Kind::sharpness, Kind::solarize}) {
    const Values image(2500, NAN);
    EXPECT_NO_THROW(changed(kind, 3, image, {50, 50, 1})) << name_of(kind);
  }
  EXPECT_THROW(changed(Kind::equalize, 0, {1, 2}, {1, 3, 1}), ShapeError);
}

TEST(ImageOperation, MapsMoveTheContentAsTheySay) {
  const WarpOptions black{.fill_mode = FillMode::constant};
  Values dot(25);
  dot[12] = 1;
  const auto place = [&](Kind kind, double value, std::size_t from) {
    Values image(25);
    image[from] = 1;
    image = changed(kind, value, image, {5, 5, 1}, black);
    return std::ranges::find(image, 1.0F) - image.begin();
  };
  EXPECT_EQ(place(Kind::translate_x, 2, 12), 14);
  EXPECT_EQ(place(Kind::translate_y, -1, 12), 7);
  EXPECT_EQ(place(Kind::shear_x, 1, 2), 0) << "the top row goes left, two rows above the middle";
  EXPECT_EQ(place(Kind::shear_x, 1, 22), 24);
  EXPECT_EQ(place(Kind::shear_y, 1, 10), 0);
  Values turned = kPicture;
  apply_operation({Kind::rotate, 360}, {4, 4, 1}, turned);
  for (std::size_t i = 0; i < turned.size(); ++i) EXPECT_NEAR(turned[i], kPicture[i], 1e-3);
  Values corner(9);
  corner[2] = 1;
  corner = changed(Kind::rotate, 45, corner, {3, 3, 1}, {.fill_mode = FillMode::constant, .interpolation_order = 0});
  EXPECT_EQ(corner[1], 1) << "counter-clockwise: from the top right to the top";
}

TEST(ImageOperation, DrawsEveryKindInBothDirections) {
  std::set<Kind> kinds;
  bool left = false, right = false;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    Stream stream(1, 0, i, 0);
    const ImageOperation operation = draw_operation({100, 331, 3}, 15, stream);
    kinds.insert(operation.kind);
    if (operation.kind == Kind::translate_x) {
      EXPECT_EQ(std::abs(operation.value), 75);
      (operation.value < 0 ? left : right) = true;
    }
    if (operation.kind == Kind::posterize) {
      EXPECT_EQ(operation.value, 6);
    }
  }
  EXPECT_EQ(kinds.size(), 14U);
  EXPECT_TRUE(left && right);
}

TEST(ImageOperation, HasNames) {
  for (int i = 0; i < ImageOperation::kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    EXPECT_EQ(image_operation_named(name_of(kind)), kind);
  }
  EXPECT_THROW(image_operation_named("blur"), ValueError);
}

}  // namespace
}  // namespace saccade
