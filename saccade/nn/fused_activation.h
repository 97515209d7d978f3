#pragma once
#include <memory>
#include <span>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/softmax/softmax.h"
#include "saccade/nn/operation.h"

namespace saccade {

/// The `.activation` of a layer: the part of it that the layer's own kernel does not do. Works in place on the layer's
/// output (forward) and on the gradient of that output (backward).
class FusedActivation {
 public:
  /// What the layer's forward kernel should fuse: the activation itself, or linear where it cannot (softmax).
  static Activation for_kernel(Activation activation) {
    return activation == Activation::softmax ? Activation::linear : activation;
  }

  /// `rows` images of `elements` values; softmax runs over the last axis of `dst`.
  FusedActivation(Activation activation, const PrepareContext& context);

  bool backward_reads_dst() const noexcept { return activation_ != Activation::linear; }
  /// After the layer's kernel: applies softmax, and nothing otherwise.
  void forward(std::span<float> dst);
  /// grad_dst becomes the gradient before the activation.
  void backward(std::span<const float> dst, std::span<float> grad_dst);
  void explain(std::vector<Operation::Part>& parts) const;

 private:
  Activation activation_;
  kernels::Choice<kernels::SoftmaxKernel> softmax_forward_, softmax_backward_;
  kernels::Choice<kernels::ActivationKernel> backward_;
};

}  // namespace saccade
