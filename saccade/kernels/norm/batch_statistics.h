#pragma once
#include <cmath>
#include <cstddef>
#include <span>

#include "saccade/kernels/norm/batch_norm.h"
#include "saccade/kernels/simd/columns.h"

namespace saccade::kernels::simd {

/// Mean and 1 / sqrt(variance + epsilon) of every channel, and the coefficients that loops in float take from them.
/// What rounding the mean to float leaves over is in offset() and shift():
///   v = (src - float(mean)) * factor + offset
///   grad_src = grad_v * factor + (src - float(mean)) * tilt + shift
struct ChannelStatistics {
  std::span<double> mean, inverse;

  /// Those of c channels that lie in so many bytes, mean before inverse.
  static Index bytes(Index c) { return 2 * c * isize(sizeof(double)); }
  static ChannelStatistics in(std::span<std::byte> memory, std::size_t c) {
    double* const doubles = reinterpret_cast<double*>(memory.data());
    return {{doubles, c}, {doubles + c, c}};
  }

  double factor(float gamma, std::size_t c) const { return static_cast<double>(gamma) * inverse[c]; }
  double offset(float gamma, float beta, std::size_t c) const {
    return static_cast<double>(beta) + rounding(c) * factor(gamma, c);
  }
  /// grad_gamma, from the sums of grad_v and of grad_v * (src - float(mean)).
  double dot(double sum, double product, std::size_t c) const { return (product + rounding(c) * sum) * inverse[c]; }
  double tilt(float gamma, double dot, Index rows, std::size_t c) const {
    return -factor(gamma, c) * inverse[c] * dot / static_cast<double>(rows);
  }
  double shift(float gamma, double sum, double dot, Index rows, std::size_t c) const {
    return -factor(gamma, c) * sum / static_cast<double>(rows) + rounding(c) * tilt(gamma, dot, rows, c);
  }

 private:
  double rounding(std::size_t c) const { return static_cast<double>(static_cast<float>(mean[c])) - mean[c]; }
};

inline double inverse_deviation(double variance, float epsilon) {
  return 1.0 / std::sqrt(variance + static_cast<double>(epsilon));
}

/// Measures the statistics of batches.
class BatchStatistics {
 public:
  /// Of the problem, training, residual and activation are not looked at.
  explicit BatchStatistics(const BatchNormProblem& problem)
      : columns_(problem.rows, problem.c), epsilon_(problem.epsilon), momentum_(problem.momentum) {}

  Index scratch_bytes() const;
  /// Mean and variance of src [rows, c], into `to` and the moving statistics. One walk: the first row is taken off
  /// every row, so that the squares do not cancel when the mean is large.
  void measure(std::span<const float> src, const ChannelStatistics& to, std::span<float> moving_mean,
               std::span<float> moving_variance, std::span<std::byte> scratch) const;

 private:
  Columns columns_;
  float epsilon_, momentum_;
};

}  // namespace saccade::kernels::simd
