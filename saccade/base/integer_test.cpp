#include "saccade/base/integer.h"

#include <gmock/gmock.h>

#include <limits>

namespace saccade {
namespace {

constexpr Index kMax = std::numeric_limits<Index>::max();
constexpr Index kMin = std::numeric_limits<Index>::min();

TEST(Integer, MultipliesOrSaysThatItCannot) {
  EXPECT_EQ(checked_multiply(6, 7), 42);
  EXPECT_EQ(checked_multiply(-6, 7), -42);
  EXPECT_EQ(checked_multiply(kMax, 1), kMax);
  EXPECT_EQ(checked_multiply(kMax, 0), 0);
  EXPECT_EQ(checked_multiply(Index{1} << 31, Index{1} << 31), Index{1} << 62);
  EXPECT_EQ(checked_multiply(Index{1} << 32, Index{1} << 31), std::nullopt);
  EXPECT_EQ(checked_multiply(kMax, 2), std::nullopt);
  EXPECT_EQ(checked_multiply(kMin, -1), std::nullopt);
}

TEST(Integer, AddsOrSaysThatItCannot) {
  EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_add(kMin, -1), std::nullopt);
}

TEST(Integer, DividesUpwards) {
  EXPECT_EQ(ceil_divide(0, 3), 0);
  EXPECT_EQ(ceil_divide(1, 3), 1);
  EXPECT_EQ(ceil_divide(3, 3), 1);
  EXPECT_EQ(ceil_divide(4, 3), 2);
  EXPECT_EQ(ceil_divide(kMax, 1), kMax);
  EXPECT_EQ(ceil_divide(kMax, 2), Index{1} << 62);
  EXPECT_EQ(ceil_divide(kMax, kMax), 1);
}

TEST(Integer, RoundsUpToWholeSteps) {
  EXPECT_EQ(round_up(0, 64), 0);
  EXPECT_EQ(round_up(1, 64), 64);
  EXPECT_EQ(round_up(64, 64), 64);
  EXPECT_EQ(round_up(65, 64), 128);
}

}  // namespace
}  // namespace saccade
