#include "saccade/augment/numpy_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace saccade {
namespace {

using testing::ElementsAre;

// Values of NumPy 1.24.
TEST(NumpyRandom, DrawsWhatNumPyDraws) {
  NumpyRandom random(42);
  EXPECT_EQ(random.uniform(), .3745401188473625);
  EXPECT_EQ(random.uniform(), .9507143064099162);
  EXPECT_EQ(random.uniform(), .7319939418114051);
  EXPECT_THAT(NumpyRandom(42).permutation(10), ElementsAre(8, 1, 5, 0, 7, 2, 9, 4, 3, 6));
  EXPECT_THAT(NumpyRandom(0).permutation(7), ElementsAre(6, 2, 1, 3, 0, 5, 4));
}

TEST(NumpyRandom, GoesOnBeyondItsFirstBlock) {
  NumpyRandom random(5489);
  std::uint32_t value = 0;
  for (int i = 0; i < 10000; ++i) value = random.next();
  EXPECT_EQ(value, 4123659995U) << "the C++ standard's check of mt19937";
}

TEST(NumpyRandom, SeedsAreTakenModulo32Bits) {
  EXPECT_EQ(NumpyRandom((1ULL << 32U) + 7).next(), NumpyRandom(7).next());
  NumpyRandom random(1);
  const std::uint32_t first = random.next();
  EXPECT_EQ(random.below(1), 0U);
  random.seed(1);
  EXPECT_EQ(random.next(), first);
}

}  // namespace
}  // namespace saccade
