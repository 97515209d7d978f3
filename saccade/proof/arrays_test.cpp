#include "saccade/proof/arrays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>

namespace saccade::proof {
namespace {

TEST(WalledArray, IsAlignedAndNoticesDamage) {
  for (const Index elements : {0, 1, 15, 16, 17, 1000}) {
    WalledArray array(elements);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.values().data()) % 64, 0);
    array.fill(3.0F);
    EXPECT_TRUE(array.intact());
    float* const begin = array.values().data();
    for (const Index place : {Index{-1}, Index{-16}, elements, elements + 15}) {
      const float brick = begin[place];
      begin[place] = 0.0F;
      EXPECT_FALSE(array.intact()) << "damage at " << place << " of " << elements;
      begin[place] = brick;
    }
  }
}

TEST(WalledArray, TellsABrickFromAnotherNaN) {
  WalledArray array(4);
  array.values().data()[4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(array.intact());
}

TEST(DrawReals, StaysInTheDomainAndAwayFromKinks) {
  const Domain domain{.low = -2.0, .high = 8.0, .kinks = {0.0, 6.0}, .gap = 0.1};
  for (const float value : draw_reals(domain, 10'000, 1, 0)) {
    EXPECT_GE(value, -2.0F);
    EXPECT_LE(value, 8.0F);
    EXPECT_GE(std::abs(value), 0.0999F);
    EXPECT_GE(std::abs(value - 6.0F), 0.0999F);
  }
}

TEST(DrawReals, AreDistinctWhenAsked) {
  const std::vector<float> values = draw_reals({.distinct = true}, 5000, 1, 0);
  EXPECT_EQ(std::set<float>(values.begin(), values.end()).size(), 5000);
  EXPECT_FALSE(std::ranges::is_sorted(values));
}

TEST(DrawReals, AreIntegersForLabels) {
  const Domain labels{.integer_low = 0, .integer_high = 9, .only_integers = true};
  EXPECT_EQ(draw_reals(labels, 100, 1, 0), draw_integers(labels, 100, 1, 0));
}

TEST(DrawIntegers, TakeEveryStepOfTheRange) {
  const std::vector<float> values =
      draw_integers({.integer_low = -2, .integer_high = 1, .integer_step = 6}, 1000, 1, 0);
  EXPECT_EQ(std::set<float>(values.begin(), values.end()), (std::set<float>{-12, -6, 0, 6}));
}

TEST(Draw, DependsOnSeedAndSlot) {
  EXPECT_EQ(draw_reals({}, 10, 1, 0), draw_reals({}, 10, 1, 0));
  EXPECT_NE(draw_reals({}, 10, 1, 0), draw_reals({}, 10, 2, 0));
  EXPECT_NE(draw_reals({}, 10, 1, 0), draw_reals({}, 10, 1, 1));
}

}  // namespace
}  // namespace saccade::proof
