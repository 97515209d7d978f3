#pragma once

#include "saccade/base/integer.h"

namespace saccade {

/// Which way a metric improves.
enum class PlateauMode : std::uint8_t {
  min,  ///< Smaller is better: losses.
  max,  ///< Larger is better: accuracies.
};

/// Names and defaults of keras.callbacks.ReduceLROnPlateau.
struct PlateauOptions {
  double factor = 0.1;  ///< 0 < factor < 1: the new learning rate is learning_rate * factor.
  Index patience = 10;  ///< Epochs without improvement before the learning rate falls.
  PlateauMode mode = PlateauMode::min;
  double min_delta = 1e-4;  ///< A smaller change is no improvement.
  Index cooldown = 0;       ///< Epochs after a fall in which nothing is counted.
  double min_lr = 0.0;      ///< The learning rate never falls below this.
};

/// Decides after each epoch whether the learning rate should fall because a metric has stopped improving.
///
/// Improvement: value < best - min_delta (min) or value > best + min_delta (max), strictly; NaN is none. In order:
/// during cooldown one epoch is ticked off; an improvement is the new best and ends the wait;
/// otherwise, out of cooldown, the wait grows, and when it reaches patience and the rate is above min_lr, the rate falls
/// and the cooldown begins. Source: keras.callbacks.ReduceLROnPlateau.
class Plateau {
 public:
  /// Everything a resumed run needs.
  struct State {
    double best = 0.0;
    Index wait = 0;
    Index cooldown_counter = 0;
    friend bool operator==(const State&, const State&) = default;
  };

  /// Throws ValueError for an option outside its domain.
  explicit Plateau(const PlateauOptions& options = {});

  /// The learning rate to go on with, from the metric of the epoch that ended and the rate it was trained with.
  double update(double value, double learning_rate);

  const PlateauOptions& options() const noexcept { return options_; }
  const State& state() const noexcept { return state_; }
  void set_state(const State& state) noexcept { state_ = state; }

 private:
  PlateauOptions options_;
  State state_;
};

}  // namespace saccade
