#pragma once
#include <cstdint>
#include <span>

#include "saccade/base/integer.h"
#include "saccade/tensor/tensor.h"

namespace saccade {

/// How well a linear function of features tells classes apart.
struct RidgeResult {
  double accuracy = 0.0;  ///< Of each row, told by a fit to all the others.
  double penalty = 0.0;   ///< The one of those tried that predicts the others' targets best.
};

/// Ridge regression of one-hot targets on features [n, d], each column shifted and scaled to mean 0 and deviation 1 over all
/// rows, and on a constant; leave-one-out, in closed form: with K = X X^T / d + 10 and G = K + penalty * I,
///   y_i - yhat_i(without i) = (G^-1 y)_i / (G^-1)_ii
/// once K's eigenvectors are known. Penalties from 1e-4 to 1e2 are tried. Costs n^3 + n^2 d. Throws ShapeError unless there is a label for each of at least two rows, ValueError for a label outside
/// 0 .. classes-1.
RidgeResult leave_one_out(const Tensor& features, std::span<const std::int32_t> labels, Index classes);

}  // namespace saccade
