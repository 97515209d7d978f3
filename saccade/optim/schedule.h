#pragma once
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// What a schedule is laid over.
struct Horizon {
  double learning_rate = 0.001;  ///< The optimiser's own: base_learning_rate().
  Index steps_per_epoch = 1;     ///< Batches in an epoch, at least 1.
  Index total_steps = 1;         ///< Steps of the whole training, at least 1.
};

/// The rate stays as it is. Text: "constant".
struct ConstantRate {
  friend bool operator==(const ConstantRate&, const ConstantRate&) = default;
};

/// learning_rate * factor^n, where n is how many numbers of the list are not above the number of finished epochs.
/// Text: "step(0.1@5,10)" multiplies by 0.1 after 5 epochs and again after 10.
struct StepDecay {
  double factor = 0.1;             ///< Positive.
  std::vector<Index> epochs = {};  ///< At least one, positive, increasing.
  friend bool operator==(const StepDecay&, const StepDecay&) = default;
};

/// values[0] while step <= boundaries[0], values[1] while step <= boundaries[1], ..., values.back() after that; learning
/// rates themselves, whatever the optimiser's. Text: "piecewise(1.0, 0.5@1000, 0.1@1100)".
/// Source: keras.optimizers.schedules.PiecewiseConstantDecay.
struct PiecewiseConstantDecay {
  std::vector<Index> boundaries = {};  ///< Steps, zero or more, increasing.
  std::vector<double> values = {};     ///< One more than boundaries; zero or more.
  friend bool operator==(const PiecewiseConstantDecay&, const PiecewiseConstantDecay&) = default;
};

/// initial_learning_rate * decay_rate^(step / decay_steps); staircase rounds the exponent down.
/// Text: "exponential(decay_rate=0.9, staircase=true)". Source: keras.optimizers.schedules.ExponentialDecay.
struct ExponentialDecay {
  double decay_rate = 0.96;               ///< Positive.
  std::optional<Index> decay_steps = {};  ///< Positive; one epoch when left out.
  bool staircase = false;
  std::optional<double> initial_learning_rate = {};  ///< Positive; the optimiser's own when left out.
  friend bool operator==(const ExponentialDecay&, const ExponentialDecay&) = default;
};

/// initial_learning_rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha), and alpha's share of it after
/// decay_steps. With warmup_target the rate first goes from initial_learning_rate to warmup_target in a straight line over
/// warmup_steps, then down from there. Text: "cosine", "cosine(alpha=0.01)".
/// Source: Loshchilov and Hutter 2016; keras.optimizers.schedules.CosineDecay.
struct CosineDecay {
  double alpha = 0.0;                        ///< Zero or more: the share of the rate that stays.
  std::optional<Index> decay_steps = {};     ///< Positive; all steps after the warm-up when left out.
  std::optional<double> warmup_target = {};  ///< Positive; goes with warmup_steps.
  Index warmup_steps = 0;
  std::optional<double> initial_learning_rate = {};  ///< Zero or more; the optimiser's own when left out.
  friend bool operator==(const CosineDecay&, const CosineDecay&) = default;
};

/// Up from max / div_factor to max over the first up_fraction of the steps, then down to max / (div_factor *
/// final_div_factor), which is next to nothing. Text: "one-cycle", "one-cycle(up_fraction=0.3, shape=cosine)".
/// Source: Smith and Topin 2018; torch.optim.lr_scheduler.OneCycleLR, which goes up for 0.3 of the steps by cosine.
struct OneCycle {
  enum class Shape : std::uint8_t {
    linear,  ///< Straight lines.
    cosine,  ///< Half a cosine wave up, half a wave down.
  };
  double up_fraction = 0.2;  ///< 0 .. 1
  Shape shape = Shape::linear;
  double div_factor = 25.0;                      ///< At least 1.
  double final_div_factor = 1e4;                 ///< At least 1.
  std::optional<double> max_learning_rate = {};  ///< Positive; the optimiser's own when left out.
  std::optional<Index> total_steps = {};         ///< Positive; all steps of the training when left out.
  friend bool operator==(const OneCycle&, const OneCycle&) = default;
};

/// How the learning rate goes over the steps of a training. A small value: copy it, compare it, print it, read it back.
/// Any of the structures above is one: FitOptions{.schedule = CosineDecay{.alpha = 0.01}}.
class Schedule {
 public:
  Schedule() = default;  ///< Constant.
  /// Throw ValueError for a number outside its domain.
  Schedule(ConstantRate rule);
  Schedule(StepDecay rule);
  Schedule(PiecewiseConstantDecay rule);
  Schedule(ExponentialDecay rule);
  Schedule(CosineDecay rule);
  Schedule(OneCycle rule);

  /// In a straight line from 0 at step 0 to what `then` says for step `steps`; from there on as `then` says.
  /// Text: "warmup(500, cosine)". Throws ValueError unless steps is positive and `then` is no warm-up itself.
  static Schedule warm_up(Index steps, Schedule then);

  /// The learning rate of a step, counted from 0 over all epochs. A pure function: a resumed run goes on as if never stopped.
  double at(Index step, const Horizon& horizon) const;

  /// The texts given above: the inverse of parse().
  std::string to_string() const;
  /// Throws ValueError for an unknown name, key or number.
  static Schedule parse(std::string_view text);

  friend bool operator==(const Schedule& a, const Schedule& b);

 private:
  using Rule = std::variant<ConstantRate, StepDecay, PiecewiseConstantDecay, ExponentialDecay, CosineDecay, OneCycle>;

  Rule rule_;
  Index warm_up_steps_ = 0;
};

/// Prints to_string().
std::ostream& operator<<(std::ostream& stream, const Schedule& schedule);

}  // namespace saccade
