#include "saccade/proof/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace saccade::proof {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

TEST(CompareEqual, IsOfNumbers) {
  EXPECT_EQ(compare_equal("dst", Floats{1, -2, 0.0F}, Floats{1, -2, -0.0F}), "");
  EXPECT_EQ(compare_equal("dst", Floats{1, -2, 3}, Floats{1, 2, 3}),
            "dst[1]: expected -2, got 2 (1 of 3 elements differ)");
  EXPECT_EQ(compare_equal("dst", Floats{1, 2}, Floats{0, 0}), "dst[0]: expected 1, got 0 (2 of 2 elements differ)");
  EXPECT_EQ(compare_equal("dst", Floats{1, 2}, Floats{1}), "dst: expected 2 elements, got 1");
}

TEST(CompareEqual, NeverPassesNaN) {
  EXPECT_EQ(compare_equal("dst", Floats{1}, Floats{NAN}), "dst[0]: expected 1, got nan (1 of 1 elements differ)");
  EXPECT_NE(compare_equal("dst", Floats{NAN}, Floats{NAN}), "");
}

TEST(CompareBits, TellsZerosApart) {
  EXPECT_EQ(compare_bits("dst", Floats{1, NAN}, Floats{1, NAN}), "");
  EXPECT_EQ(compare_bits("dst", Floats{0.0F}, Floats{-0.0F}), "dst[0]: expected 0, got -0 (1 of 1 elements differ)");
  EXPECT_NE(compare_bits("dst", Floats{1.0F}, Floats{std::nextafter(1.0F, 2.0F)}), "");
}

TEST(CompareNear, AllowsAShareOfTheScale) {
  const Doubles scale{1, 100};
  EXPECT_EQ(compare_near("dst", Doubles{1, 1}, Floats{1.0009765625F, 1.09375F}, scale, 1e-3), "");
  EXPECT_EQ(compare_near("dst", Doubles{1, 1}, Floats{1.001953125F, 1.09375F}, scale, 1e-3),
            "dst[0]: expected 1, got 1.00195312 (1 of 2 elements differ), allowed difference 0.001");
}

TEST(CompareNear, ReportsTheWorst) {
  EXPECT_EQ(compare_near("dst", Doubles{1, 1, 1}, Floats{2, 5, 3}, Doubles{1, 1, 1}, 0.5),
            "dst[1]: expected 1, got 5 (3 of 3 elements differ), allowed difference 0.5");
}

TEST(CompareNear, SeesASignWhereARatioWouldNot) {
  // -1 against 1, and both negative where one should be: relative errors with signed denominators have let these pass.
  EXPECT_NE(compare_near("dst", Doubles{-1}, Floats{1}, Doubles{1}, 0.1), "");
  EXPECT_NE(compare_near("dst", Doubles{1}, Floats{-1}, Doubles{1}, 0.1), "");
  EXPECT_NE(compare_near("dst", Doubles{-1}, Floats{-1.5F}, Doubles{1}, 0.1), "");
}

TEST(CompareNear, NeverPassesNaNOrInfinity) {
  EXPECT_NE(compare_near("dst", Doubles{1}, Floats{NAN}, Doubles{1}, 1.0), "");
  EXPECT_NE(compare_near("dst", Doubles{1}, Floats{INFINITY}, Doubles{1}, 1.0), "");
  EXPECT_NE(compare_near("dst", Doubles{1}, Floats{1}, Doubles{NAN}, 1.0), "");
  EXPECT_NE(compare_near("dst", Doubles{1}, Doubles{NAN}, Doubles{1}, 1.0), "");
}

TEST(CompareNear, WantsZeroWhereNothingCanRound) {
  EXPECT_EQ(compare_near("dst", Doubles{0}, Floats{0}, Doubles{0}, 1.0), "");
  EXPECT_NE(compare_near("dst", Doubles{0}, Floats{1e-30F}, Doubles{0}, 1.0), "");
}

}  // namespace
}  // namespace saccade::proof
