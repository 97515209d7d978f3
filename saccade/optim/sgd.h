#pragma once
#include "saccade/optim/optimizer.h"

namespace saccade {

struct SGDOptions {
  double learning_rate = 0.01;  ///< Positive.
  double momentum = 0.0;        ///< 0 <= momentum < 1.
  bool nesterov = false;        ///< Looks ahead along the velocity; only with momentum.
  std::optional<double> clipvalue = {};
  std::optional<double> clipnorm = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
};

/// Gradient descent.
///   momentum = 0:  w -= lr * g
///   momentum > 0:  velocity = momentum * velocity - lr * g;  w += velocity
///   nesterov:      velocity likewise;  w += momentum * velocity - lr * g
/// Slots: "velocity", with momentum only. Source: keras.optimizers.SGD.
class SGD final : public Optimizer {
 public:
  explicit SGD(const SGDOptions& options = {});
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<SGD>(*this); }
  const SGDOptions& options() const noexcept { return options_; }

 protected:
  kernels::UpdateNumbers numbers(double learning_rate, Index t) const override;

 private:
  SGDOptions options_;
};

}  // namespace saccade
