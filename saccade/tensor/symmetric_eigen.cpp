#include "saccade/tensor/symmetric_eigen.h"

#define EIGEN_DONT_PARALLELIZE  // OpenMP would start threads beside our own, and cut sums by their number
#include <Eigen/Eigenvalues>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"

namespace saccade {

SymmetricEigen symmetric_eigen(std::span<const double> matrix, Index n) {
  if (n < 1 || isize(matrix.size()) != n * n) {
    throw ShapeError({.where = "symmetric_eigen",
                      .expected = fmt::format("{} x {} numbers, at least one", n, n),
                      .got = fmt::format("{}", matrix.size()),
                      .fix = "give the whole matrix"});
  }
  if (!std::ranges::all_of(matrix, [](double x) { return std::isfinite(x); })) {
    throw ValueError({.where = "symmetric_eigen",
                      .expected = "finite numbers",
                      .got = "NaN or infinity",
                      .fix = "check the data that the matrix was made from"});
  }
  // Eigen reads the lower half and has columns innermost: our upper half.
  const Eigen::Map<const Eigen::MatrixXd> columns(matrix.data(), n, n);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(columns);
  const Eigen::VectorXd& values = solver.eigenvalues();
  const Eigen::MatrixXd& vectors = solver.eigenvectors();
  return {.values = {values.data(), values.data() + values.size()},
          .vectors = {vectors.data(), vectors.data() + vectors.size()}};
}

}  // namespace saccade
