#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// How zero-phase whitening (ZCA) weighs the directions u of the centred pictures X [n, p], with singular values s:
enum class ZcaFormula : std::uint8_t {
  /// U diag(sqrt(n) / (s + epsilon)) U', keras-preprocessing since 2019; directions without data are dropped.
  from_data,
  /// U diag(1 / sqrt(s^2/n + epsilon)) U', before; directions without data are magnified 1/sqrt(epsilon) times.
  from_covariance,
};

/// What fit() finds out about a data set.
struct FeatureStatistics {
  std::vector<float> mean;       ///< One a channel; empty before fit() or when not asked for.
  std::vector<float> deviation;  ///< Population standard deviation; likewise.

  /// Whitening as x -> base * x + U (gain * (U' x)), with U [p, k]: k is at most the number of pictures, and the p x p matrix
  /// is never built from few large ones.
  struct Whitening {
    Index p = 0, k = 0;
    float base = 0.0F;
    std::vector<float> directions;             ///< k vectors of p values.
    std::vector<float> gain;                   ///< k
    void apply(std::span<float> image) const;  ///< In place; p values.
  };
  std::shared_ptr<const Whitening> whitening;  ///< Null before fit() or when not asked for.
};

/// Gathers the statistics of pictures in one pass, in double.
class FeatureAccumulator {
 public:
  struct Options {
    bool mean = false;
    bool deviation = false;
    bool whitening = false;
    ZcaFormula formula = ZcaFormula::from_data;
    double zca_epsilon = 1e-6;
    double deviation_epsilon = 1e-6;  ///< Added to the deviation that whitening divides by.
    double max_memory_bytes = 0.0;
  };

  /// For `count` pictures of p values, channels innermost. Throws ValueError when whitening would need more memory than
  /// allowed; the message has the estimate.
  FeatureAccumulator(const Options& options, Index count, Index p, Index channels);
  ~FeatureAccumulator();

  /// Throws ShapeError for a picture of another size, or one more than was announced.
  void add(std::span<const float> image);
  /// Throws ValueError when nothing was added.
  FeatureStatistics finish();

 private:
  struct Products;

  Options options_;
  Index count_, p_, channels_;
  Index added_ = 0;
  std::vector<double> mean_, squares_;  // Welford's, one a channel
  std::vector<double> sums_, scatter_;  // of the picture that is being added
  std::unique_ptr<Products> products_;
};

}  // namespace saccade
