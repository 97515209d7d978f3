#pragma once
#include <map>
#include <utility>

#include "saccade/optim/optimizer.h"

namespace saccade {

namespace internal {
class NewtonSchulz;
}

struct MuonOptions {
  double learning_rate = 0.02;  ///< Of filters; positive.
  double momentum = 0.95;       ///< 0 <= momentum < 1.
  bool nesterov = true;
  Index ns_steps = 5;                ///< Rounds of orthogonalisation, 1 to 20.
  bool fixed_norm = false;           ///< Before each step a filter is scaled to the norm sqrt(output channels).
  double weight_decay = 0.0;         ///< Decoupled, of filters; zero or more.
  double adam_lr_ratio = 0.1;        ///< The learning rate of everything else, as a share of that of filters; positive.
  double adam_beta_1 = 0.9;          ///< 0 <= beta_1 < 1
  double adam_beta_2 = 0.999;        ///< 0 <= beta_2 < 1
  double adam_weight_decay = 0.004;  ///< Decoupled, of everything else; zero or more.
  double epsilon = 1e-7;             ///< Adam's; positive.
  bool use_ema = false;
  double ema_momentum = 0.99;
};

/// Momentum, orthogonalised: the filter of a convolution [h, w, i, o], seen as a matrix [h w i, o], moves by about the same
/// length along every singular direction of its momentum, so that rare directions learn as fast as common ones.
///   m = momentum * m + g;   d = nesterov ? g + momentum * m : m
///   fixed_norm:  w *= sqrt(o) / |w|, unless w is zero
///   w -= lr * weight_decay * w;   w -= lr * NewtonSchulz(d)
/// Everything that is no such filter, and filters of one row or column, learn by AdamW (see there) at lr * adam_lr_ratio.
/// Slots: "m", and Adam's "v". Gradients of filters are rewritten by step(). Source: Jordan et al. 2024, "Muon: an optimizer
/// for hidden layers in neural networks"; for filters, and for fixed_norm, Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on
/// a single GPU" and its code; names and Adam's part as keras.optimizers.Muon.
class Muon final : public Optimizer {
 public:
  explicit Muon(const MuonOptions& options = {});
  Muon(const Muon& other);
  Muon(Muon&&) noexcept;
  Muon& operator=(const Muon& other);
  Muon& operator=(Muon&&) noexcept;
  ~Muon() override;

  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Muon>(*this); }
  const MuonOptions& options() const noexcept { return options_; }

 protected:
  kernels::UpdateNumbers numbers(double learning_rate, Index t) const override;
  bool is_directed(const Parameter& parameter) const override;
  void direct(Parameter& parameter, std::span<float> slot) override;

 private:
  MuonOptions options_;
  // By rows and columns; made in the first step that needs it. Working memory: copies begin without.
  std::map<std::pair<Index, Index>, internal::NewtonSchulz> orthogonalise_;
};

}  // namespace saccade
