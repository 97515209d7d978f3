#include "saccade/tensor/symmetric_eigen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

TEST(SymmetricEigen, OfAKnownMatrix) {
  // [[2, 1], [1, 2]]: 1 along (1, -1), 3 along (1, 1). What stands below the diagonal is not read.
  const SymmetricEigen result = symmetric_eigen(std::vector<double>{2, 1, 100, 2}, 2);
  EXPECT_THAT(result.values, ElementsAre(DoubleNear(1, 1e-14), DoubleNear(3, 1e-14)));
  const double half = 0.5;
  EXPECT_NEAR(result.vectors[0] * result.vectors[1], -half, 1e-14);
  EXPECT_NEAR(result.vectors[2] * result.vectors[3], half, 1e-14);
}

TEST(SymmetricEigen, PutsTheMatrixTogetherAgain) {
  constexpr Index kN = 40;
  std::vector<double> matrix(usize(kN * kN));
  for (Index i = 0; i < kN; ++i)
    for (Index j = 0; j <= i; ++j) matrix[usize(i * kN + j)] = matrix[usize(j * kN + i)] = 1.0 / double(1 + i + j);
  const SymmetricEigen result = symmetric_eigen(matrix, kN);
  for (Index i = 0; i < kN; ++i) {
    for (Index j = 0; j < kN; ++j) {
      double sum = 0, dot = 0;
      for (Index k = 0; k < kN; ++k) {
        const double* const v = result.vectors.data() + k * kN;
        sum += result.values[usize(k)] * v[i] * v[j];
        dot += result.vectors[usize(i * kN + k)] * result.vectors[usize(j * kN + k)];
      }
      EXPECT_NEAR(sum, matrix[usize(i * kN + j)], 1e-13);
      EXPECT_NEAR(dot, i == j ? 1.0 : 0.0, 1e-13);
    }
  }
}

TEST(SymmetricEigen, RefusesWhatIsNoMatrix) {
  EXPECT_THROW(symmetric_eigen(std::vector<double>(5), 2), ShapeError);
  EXPECT_THROW(symmetric_eigen({}, 0), ShapeError);
  EXPECT_THROW(symmetric_eigen(std::vector<double>{1, 0, std::numeric_limits<double>::quiet_NaN(), 1}, 2), ValueError);
}

}  // namespace
}  // namespace saccade
