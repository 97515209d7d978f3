#include "saccade/augment/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saccade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kDigits{"0", "1", "2", "3"};
const std::vector<std::string> kPets{"cat", "dog"};
const std::vector<std::string> kArrows{"arrow_left", "arrow_Right", "stop"};

TEST(AugmentationAdvice, FlipsChangeSigns) {
  EXPECT_THAT(augmentation_advice({.horizontal_flip = true}, kDigits), ElementsAre(HasSubstr("digits and letters")));
  EXPECT_THAT(augmentation_advice({.vertical_flip = true}, kDigits),
              ElementsAre(HasSubstr("vertical_flip makes other")));
  EXPECT_THAT(augmentation_advice({.horizontal_flip = true}, kArrows), ElementsAre(HasSubstr("class 'arrow_left'")));
  EXPECT_THAT(augmentation_advice({.horizontal_flip = true}, {"bright", "leftover"}), IsEmpty());
  EXPECT_THAT(augmentation_advice({.horizontal_flip = true}, kPets), IsEmpty());
  EXPECT_THAT(augmentation_advice({.vertical_flip = true}, kPets), ElementsAre(HasSubstr("most photographs")));
  EXPECT_THAT(augmentation_advice({.vertical_flip = true}, {"up", "down"}), ElementsAre(HasSubstr("up into down")));
}

TEST(AugmentationAdvice, RangesThatMissTheirPurpose) {
  EXPECT_THAT(augmentation_advice({.rotation_range = 90}, kDigits), ElementsAre(HasSubstr("6 into 9")));
  EXPECT_THAT(augmentation_advice({.rotation_range = 90}, kPets), IsEmpty());
  EXPECT_THAT(augmentation_advice({.brightness_range = Range{1.2, 1.5}}, kPets), ElementsAre(HasSubstr("include 1")));
  EXPECT_THAT(augmentation_advice({.brightness_range = Range{.5, 1.5}}, kPets), IsEmpty());
  EXPECT_THAT(augmentation_advice({.brightness_range = Range{1.5, .5}}, kPets), IsEmpty());
  EXPECT_THAT(augmentation_advice({.brightness_range = Range{.8, .5}}, kPets), ElementsAre(HasSubstr("include 1")));
  EXPECT_THAT(augmentation_advice({.brightness_range = Range{.5, 1.5}, .rescale = 1 / 255.0}, kPets),
              ElementsAre(HasSubstr("before it in fit(augment = true)")));
  EXPECT_THAT(augmentation_advice({.zoom_range = 1}, kPets), ElementsAre(HasSubstr("single pixel")));
  EXPECT_THAT(augmentation_advice({.rotation_range = 15, .zoom_range = .1}, kDigits), IsEmpty());
}

}  // namespace
}  // namespace saccade
