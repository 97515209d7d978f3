#pragma once
#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saccade/kernels/update/update.h"
#include "saccade/tensor/parameter.h"

namespace saccade {

/// A tensor of an optimiser's memory, for checkpoints. The tensor belongs to the optimiser.
struct NamedTensor {
  std::string name;  ///< "adam/m/conv2d.weight"
  Tensor* tensor = nullptr;
};

/// Turns gradients into new weights. Formulas, names and defaults are Keras 3's.
///
/// bind() it to the parameters once, then after every backward pass step(): each bound parameter that learns gets its
/// update from its `grad`. Frozen parameters (trainable = false, or of role state) are never touched and have no slots.
/// A step allocates nothing and gives the same bits for any number of threads.
///
/// Every optimiser also takes these options:
///   clipvalue         g = min(max(g, -clipvalue), clipvalue), element by element
///   clipnorm          each gradient tensor is scaled down to this 2-norm when it is longer
///   global_clipnorm   all gradients are scaled by one factor, to this 2-norm of all of them together when it is longer
///   use_ema           keeps average = ema_momentum * average + (1 - ema_momentum) * w after each step (the first step
///                     sets average = w); see swap_averages()
/// At most one of the three kinds of clipping may be set. Options are checked by the constructors, which throw ValueError.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// A deep copy with its slots, bound to the same parameters.
  virtual std::unique_ptr<Optimizer> clone() const = 0;

  std::string_view name() const noexcept { return setup_.name; }  ///< "adam"
  /// "Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)": every number, and what was switched on.
  std::string describe() const;
  double base_learning_rate() const noexcept { return learning_rate_; }

  /// Makes slots of zeros for the parameters that learn, and begins again at iteration 0. Call it again after freezing or
  /// unfreezing. The parameters must outlive the optimiser's use. Throws ValueError when two have one name.
  void bind(std::span<Parameter* const> parameters);

  /// Also binds those of these parameters that learn and are not bound yet, e.g. of a layer that is unfrozen in the middle of
  /// training: with slots of zeros, and with steps (Adam's t) that are counted from here. Throws ValueError before bind().
  void bind_more(std::span<Parameter* const> parameters);

  /// Begins a step: updates that the backward pass may make while the gradients come, for Plan::backward(). step(), which must
  /// follow with the same rate, makes the others. None where clipping needs all of a gradient, or add_l2() adds to it. They are
  /// valid until step(); a step that is given up is begun again before the next. Throws as step() does.
  std::span<kernels::WeightUpdate> begin_step(double learning_rate);
  std::span<kernels::WeightUpdate> begin_step() { return begin_step(learning_rate_); }

  /// One update. `learning_rate` is what the schedule says for this step; zero leaves the weights but not the slots. A
  /// parameter's own rate is that times its learning_rate_factor.
  /// Clipping rewrites the gradients. Throws ValueError before bind() or when the rate is negative or not finite, and
  /// ShapeError when a gradient's shape is not its weight's.
  void step(double learning_rate);
  void step() { step(learning_rate_); }

  /// Steps taken since bind(). Setting it throws ValueError when negative.
  Index iterations() const noexcept { return iterations_; }
  void set_iterations(Index iterations);
  /// Every slot, in the order of the parameters: "adam/m/conv2d.weight", "adam/v/conv2d.weight", ...; averages of use_ema
  /// as "adam/average/conv2d.weight". With iterations() this is all that a checkpoint needs.
  std::vector<NamedTensor> state();

  /// Exchanges the weights and their averages; a second call puts them back. Does nothing without use_ema, or before the
  /// first step. Evaluate between two calls; one call at the end of training leaves the averages as the weights.
  void swap_averages();

  /// Which kernel does the updates.
  const kernels::Explanation& explanation() const noexcept { return explanation_; }

 protected:
  /// What a number may be.
  enum class Domain : std::uint8_t {
    positive,      ///< Positive and finite.
    not_negative,  ///< Zero or more, and finite.
    fraction,      ///< 0 <= x < 1.
  };
  struct Number {
    std::string_view name;
    double value = 0.0;
    Domain domain = Domain::positive;
    double advice = 0.0;  ///< A value to try instead of a bad one.
  };
  /// What a concrete optimiser tells the base.
  struct Setup {
    std::string_view name;   ///< "adam"
    std::string_view label;  ///< "Adam"
    kernels::UpdateRule rule = kernels::UpdateRule::sgd;
    std::vector<std::string_view> slots = {};  ///< The names of the rule's slots.
    std::vector<Number> numbers = {};          ///< The first is the learning rate.
    std::vector<std::string_view> flags = {};  ///< Switches that are on: "nesterov=true".
    double rule_rate_ratio = 1.0;              ///< The learning rate of the rule, as a share of the optimiser's.
    double weight_decay = 0.0;
    double directed_weight_decay = 0.0;  ///< Of parameters that is_directed() names, in place of weight_decay.
    std::vector<std::string> exclude_from_weight_decay = {};
    std::optional<double> clipvalue = {};
    std::optional<double> clipnorm = {};
    std::optional<double> global_clipnorm = {};
    bool use_ema = false;
    double ema_momentum = 0.99;
  };

  /// The setup with the options that every optimiser takes.
  template <class Options>
  static Setup with_common(Setup setup, const Options& o) {
    setup.clipvalue = o.clipvalue;
    setup.clipnorm = o.clipnorm;
    setup.global_clipnorm = o.global_clipnorm;
    setup.use_ema = o.use_ema;
    setup.ema_momentum = o.ema_momentum;
    return setup;
  }

  /// Throws ValueError when a number is outside its domain or two kinds of clipping are set.
  explicit Optimizer(Setup setup);
  Optimizer(const Optimizer&) = default;
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(const Optimizer&) = default;
  Optimizer& operator=(Optimizer&&) = default;

  /// The kernel's numbers for step t = 1, 2, ...; clipping and averaging are filled in by the base.
  virtual kernels::UpdateNumbers numbers(double learning_rate, Index t) const = 0;

  /// Whether a parameter goes its own way: w -= lr * direct(gradient) instead of the rule. It has the first slot only.
  virtual bool is_directed(const Parameter& /*parameter*/) const { return false; }
  /// Replaces such a parameter's gradient by the direction, and may scale its weight.
  virtual void direct(Parameter& /*parameter*/, std::span<float> /*slot*/) {}

 private:
  struct Bound {
    Parameter* parameter = nullptr;
    std::vector<Tensor> slots;
    Tensor average;
    bool directed = false;
    bool decays = false;
    Index first = 0;  // iterations() when it was bound
  };
  /// What parameters have in common that are updated in one run.
  struct Pace {
    double factor = 1.0;
    Index first = 0;
    bool directed = false;
    friend bool operator==(const Pace&, const Pace&) = default;
  };

  Bound make_bound(Parameter& parameter) const;
  void reserve_slices();
  void require_bound(std::string_view call) const;
  void check_gradients() const;
  void check_step(double learning_rate) const;
  float global_scale() const;
  Pace pace_of(const Bound& bound) const;
  kernels::UpdateNumbers numbers_of(const Pace& pace, double learning_rate) const;
  float decay_of(const Bound& bound, double learning_rate) const;
  /// Of its elements from `first` on.
  kernels::UpdateSlice slice_of(Bound& bound, Index first, Index elements) const;
  /// Whether the backward pass has made its update in this step.
  bool is_done(const Bound& bound) const;
  void cut_slices(Bound& bound, float grad_scale, float decay);
  /// Updates what slices_ holds, and empties it.
  void run_slices(const Pace& pace, double learning_rate);

  Setup setup_;
  double learning_rate_ = 0.0;
  std::shared_ptr<kernels::UpdateKernel> kernel_;    // Without state of its own, so copies share it.
  std::shared_ptr<kernels::UpdateKernel> directed_;  // Likewise: w -= rate * gradient.
  kernels::Explanation explanation_;
  bool is_bound_ = false;
  Index iterations_ = 0;
  std::vector<Bound> bound_;
  std::vector<kernels::UpdateSlice> slices_;    // Of the current step; its capacity is made by bind().
  std::vector<kernels::WeightUpdate> updates_;  // Likewise.
};

/// Holds any optimiser by value, as options do: FitOptions{.optimizer = Adam{{.learning_rate = 1e-3}}}.
class AnyOptimizer {
 public:
  template <std::derived_from<Optimizer> Concrete>
  AnyOptimizer(Concrete optimizer) : optimizer_(std::make_unique<Concrete>(std::move(optimizer))) {}
  AnyOptimizer(const AnyOptimizer& other) : optimizer_(other.optimizer_->clone()) {}
  AnyOptimizer(AnyOptimizer&&) noexcept = default;
  AnyOptimizer& operator=(const AnyOptimizer& other) {
    optimizer_ = other.optimizer_->clone();
    return *this;
  }
  AnyOptimizer& operator=(AnyOptimizer&&) noexcept = default;
  ~AnyOptimizer() = default;

  Optimizer& operator*() noexcept { return *optimizer_; }
  const Optimizer& operator*() const noexcept { return *optimizer_; }
  Optimizer* operator->() noexcept { return optimizer_.get(); }
  const Optimizer* operator->() const noexcept { return optimizer_.get(); }

 private:
  std::unique_ptr<Optimizer> optimizer_;
};

/// Regularisation: adds 2 * l2 * w to the gradient of every parameter that learns and has l2 > 0, and returns the sum of
/// l2 * sum(w^2) over them, the part of the loss those gradients belong to. Call it between the backward pass and step().
/// Throws ShapeError when a gradient's shape is not its weight's.
double add_l2(std::span<Parameter* const> parameters);

/// The loss that add_l2 returns, without touching gradients: for evaluation.
double l2_loss(std::span<const Parameter* const> parameters);

}  // namespace saccade
