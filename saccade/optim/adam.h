#pragma once
#include "saccade/optim/optimizer.h"

namespace saccade {

struct AdamOptions {
  double learning_rate = 0.001;  ///< Positive.
  double beta_1 = 0.9;           ///< 0 <= beta_1 < 1: how much of the average gradient stays.
  double beta_2 = 0.999;         ///< 0 <= beta_2 < 1: how much of the average square stays.
  double epsilon = 1e-7;         ///< Positive; outside the root ("epsilon hat" of the paper).
  bool amsgrad = false;          ///< Divides by the largest average square so far.
  std::optional<double> clipvalue = {};
  std::optional<double> clipnorm = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
};

/// Adaptive moments, for step t = 1, 2, ...:
///   m += (g - m) * (1 - beta_1);  v += (g^2 - v) * (1 - beta_2)
///   w -= m * alpha / (sqrt(v) + epsilon),  alpha = lr * sqrt(1 - beta_2^t) / (1 - beta_1^t)
///   amsgrad: vmax = max(vmax, v) stands under the root
/// Slots: "m", "v", and "vmax" with amsgrad. Source: Kingma and Ba 2014; Reddi et al. 2018; keras.optimizers.Adam.
class Adam final : public Optimizer {
 public:
  explicit Adam(const AdamOptions& options = {});
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Adam>(*this); }
  const AdamOptions& options() const noexcept { return options_; }

 protected:
  kernels::UpdateNumbers numbers(double learning_rate, Index t) const override;

 private:
  AdamOptions options_;
};

struct AdamWOptions {
  double learning_rate = 0.001;
  double weight_decay = 0.004;  ///< Zero or more.
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  bool amsgrad = false;
  /// Parameters with one of these in their names do not decay: {"bias", "gamma", "beta"}. All do by default, as in Keras.
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<double> clipvalue = {};
  std::optional<double> clipnorm = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
};

/// Adam with decoupled weight decay: w -= lr * weight_decay * w, then Adam's update.
/// Slots as Adam's. Source: Loshchilov and Hutter 2019; keras.optimizers.AdamW.
class AdamW final : public Optimizer {
 public:
  explicit AdamW(const AdamWOptions& options = {});
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<AdamW>(*this); }
  const AdamWOptions& options() const noexcept { return options_; }

 protected:
  kernels::UpdateNumbers numbers(double learning_rate, Index t) const override;

 private:
  AdamWOptions options_;
};

}  // namespace saccade
