#pragma once
#include <memory>
#include <span>

#include "saccade/kernels/activation/activation.h"

namespace saccade::kernels {

/// values = act(values) for a part of a result that was just written and is still in the cache. One object a part:
/// parts run at the same time.
class InPlaceActivation {
 public:
  InPlaceActivation(Activation activation, Index elements) {
    if (activation == Activation::linear) return;
    kernel_ = choose(activation_implementations(), {.activation = activation, .elements = elements}).kernel;
  }

  void run(std::span<float> values) const {
    if (kernel_) kernel_->run({.src = values, .dst = values});
  }

 private:
  std::unique_ptr<ActivationKernel> kernel_;
};

}  // namespace saccade::kernels
