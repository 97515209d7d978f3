#pragma once
#include <span>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// A = V diag(values) V^T for a symmetric matrix A of n rows.
struct SymmetricEigen {
  std::vector<double> values;   ///< [n], from the least to the largest.
  std::vector<double> vectors;  ///< [n, n]: row k is the eigenvector of values[k], of length 1; its sign is arbitrary.
};

/// Eigenvalues and eigenvectors of the symmetric matrix [n, n], of which elements (i, j) with i <= j are read. On one thread, so that the
/// result does not depend on their number. By Householder reduction and implicit QR (Eigen's SelfAdjointEigenSolver).
/// Throws ValueError where the matrix holds NaN or infinity, ShapeError where it is not n x n.
SymmetricEigen symmetric_eigen(std::span<const double> matrix, Index n);

}  // namespace saccade
