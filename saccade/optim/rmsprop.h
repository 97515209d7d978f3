#pragma once
#include "saccade/optim/optimizer.h"

namespace saccade {

struct RMSpropOptions {
  double learning_rate = 0.001;  ///< Positive.
  double rho = 0.9;              ///< 0 <= rho < 1: how much of the average of squares stays.
  double momentum = 0.0;         ///< 0 <= momentum < 1.
  double epsilon = 1e-7;         ///< Positive; inside the root.
  bool centered = false;         ///< Divides by the standard deviation of the gradient instead of its root mean square.
  std::optional<double> clipvalue = {};
  std::optional<double> clipnorm = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
};

/// Divides the gradient by a running root mean square of it.
///   v = rho * v + (1 - rho) * g^2
///   centered:      mean = rho * mean + (1 - rho) * g;  d = max(v - mean^2, 0), where Keras has v - mean^2, which rounding
///                  can make negative;  otherwise d = v
///   momentum = 0:  w -= lr * g / sqrt(d + epsilon)
///   momentum > 0:  velocity = momentum * velocity + lr * g / sqrt(d + epsilon);  w -= velocity
/// Slots: "v", then "mean" when centered, then "velocity" with momentum. Source: keras.optimizers.RMSprop.
class RMSprop final : public Optimizer {
 public:
  explicit RMSprop(const RMSpropOptions& options = {});
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<RMSprop>(*this); }
  const RMSpropOptions& options() const noexcept { return options_; }

 protected:
  kernels::UpdateNumbers numbers(double learning_rate, Index t) const override;

 private:
  RMSpropOptions options_;
};

}  // namespace saccade
