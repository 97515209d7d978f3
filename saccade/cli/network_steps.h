#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "saccade/nn/loss.h"
#include "saccade/nn/model.h"
#include "saccade/nn/plan.h"
#include "saccade/optim/adam.h"

namespace saccade::cli {

/// Images and labels in memory, as a data set that was loaded before.
class SyntheticBatches {
 public:
  SyntheticBatches(const Shape& image, Index batch, Index classes, std::uint64_t seed);

  std::span<const float> images(std::size_t step) const;
  std::span<const std::int32_t> labels(std::size_t step) const;

 private:
  std::size_t image_elements_, batch_;
  Tensor images_;
  std::vector<std::int32_t> labels_;
};

/// A network made ready for steps that are timed: its batches, and its plans from the first step of either kind on.
class NetworkSteps {
 public:
  /// `net` must outlive it.
  NetworkSteps(Model& net, Index batch, std::uint64_t seed);

  /// What fit() does with a batch: forward, accuracy, loss, backward, Adam. Throws ValueError for a loss that is not finite.
  void train();
  /// The forward pass of an inference plan. The outputs are valid until the next call.
  std::span<const float> infer();

  const SyntheticBatches& batches() const noexcept { return batches_; }

 private:
  void prepare_training();
  void require_finite(double loss) const;

  Model& net_;
  Index batch_;
  std::uint64_t seed_;
  Index classes_;
  SyntheticBatches batches_;
  LossOperation loss_;
  std::optional<Plan> inference_, training_;
  std::vector<Parameter*> parameters_;
  Adam adam_;
  std::size_t step_ = 0;
  Index correct_ = 0;
};

/// Repeats the step until the time is over; the seconds of one, as their mean.
template <class Step>
double time_step(double seconds, Step&& step) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  std::chrono::duration<double> passed{};
  Index steps = 0;
  do {
    step();
    ++steps;
    passed = Clock::now() - start;
  } while (passed.count() < seconds);
  return passed.count() / static_cast<double>(steps);
}

/// time_step() after as short a time that does not count, in which caches and cores fall into step.
template <class Step>
double time_warm_step(double seconds, Step&& step) {
  constexpr double kWarmUpSeconds = 0.02;
  time_step(std::min(kWarmUpSeconds, seconds), step);
  return time_step(seconds, step);
}

}  // namespace saccade::cli
