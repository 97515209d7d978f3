#include "saccade/train/ridge.h"

#define EIGEN_DONT_PARALLELIZE  // OpenMP would start threads beside our own, and cut sums by their number
#include <Eigen/Core>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/tensor/symmetric_eigen.h"

namespace saccade {
namespace {

using Matrix = Eigen::MatrixXd;

Matrix standardised(const Tensor& features, Index rows, Index columns) {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix x = Eigen::Map<const RowMajor>(features.floats().data(), rows, columns).cast<double>();
  x.rowwise() -= x.colwise().mean().eval();
  for (Index c = 0; c < columns; ++c) {
    const double deviation = std::sqrt(x.col(c).squaredNorm() / static_cast<double>(rows));
    if (deviation > 1e-9) x.col(c) /= deviation;
  }
  return x;
}

}  // namespace

RidgeResult leave_one_out(const Tensor& features, std::span<const std::int32_t> labels, Index classes) {
  const Index rows = features.shape().rank() == 2 ? features.shape()[0] : 0;
  if (rows < 2 || rows != isize(labels.size()) || features.shape()[1] < 1) {
    throw ShapeError({.where = "ridge regression",
                      .expected = "features [n, d] of at least two rows, and a label a row",
                      .got = fmt::format("{} and {} labels", features.shape().to_string(), labels.size()),
                      .fix = "pool features into one vector an image"});
  }
  Matrix targets = Matrix::Zero(rows, classes);
  for (Index i = 0; i < rows; ++i) {
    const std::int32_t label = labels[usize(i)];
    if (label < 0 || label >= classes) {
      throw ValueError({.where = "ridge regression",
                        .expected = fmt::format("labels from 0 to {}", classes - 1),
                        .got = std::to_string(label),
                        .fix = "give the number of classes"});
    }
    targets(i, label) = 1.0;
  }
  const Matrix x = standardised(features, rows, features.shape()[1]);
  constexpr double kConstant = 10.0;  // large, so that it is hardly penalised
  const Matrix kernel = (x * x.transpose() / static_cast<double>(x.cols())).array() + kConstant;
  const SymmetricEigen eigen = symmetric_eigen({kernel.data(), usize(kernel.size())}, rows);
  const Eigen::Map<const Eigen::ArrayXd> eigenvalues(eigen.values.data(), rows);
  const Eigen::Map<const Matrix> q(eigen.vectors.data(), rows, rows);
  const Matrix rotated = q.transpose() * targets;

  RidgeResult best;
  double least = std::numeric_limits<double>::infinity();
  for (double penalty = 1e-4; penalty < 200.0; penalty *= 10.0) {
    const Eigen::VectorXd inverse = (eigenvalues.max(0.0) + penalty).inverse();
    const Matrix solved = q * inverse.asDiagonal() * rotated;
    const Eigen::VectorXd diagonal = q.array().square().matrix() * inverse;
    const Matrix residual = diagonal.cwiseInverse().asDiagonal() * solved;
    if (residual.squaredNorm() >= least) continue;
    least = residual.squaredNorm();
    const Matrix told = targets - residual;
    Index correct = 0;
    for (Index i = 0; i < rows; ++i) {
      Eigen::Index largest = 0;
      told.row(i).maxCoeff(&largest);
      correct += largest == labels[usize(i)] ? 1 : 0;
    }
    best = {.accuracy = static_cast<double>(correct) / static_cast<double>(rows), .penalty = penalty};
  }
  return best;
}

}  // namespace saccade
