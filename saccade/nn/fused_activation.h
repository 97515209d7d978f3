#pragma once
#include <memory>
#include <span>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/softmax/softmax.h"
#include "saccade/nn/operation.h"

namespace saccade {

/// The `.activation` of a layer: the part of it that the layer's own kernel does not do. The kernel writes kernel_dst()
/// and fuses for_kernel(); forward() does the rest, and backward() turns the gradient of the output, in place, into that
/// of what the kernel wrote.
class FusedActivation {
 public:
  /// Rows of context.batch images; softmax runs over the last axis of `dst`. `learns`: backward() will be called.
  FusedActivation(Activation activation, const PrepareContext& context, bool learns);

  /// The activation itself, or linear where the kernel must not take it: softmaxes, and in training those whose gradient
  /// wants the value before.
  Activation for_kernel() const noexcept { return fused_; }
  bool backward_reads_dst() const noexcept { return backward_needs_dst_; }
  /// Memory that survives from forward() to backward(), the first of the layer's saved bytes.
  Index saved_bytes() const noexcept { return saved_bytes_; }

  std::span<float> kernel_dst(std::span<float> dst, std::span<std::byte> saved) const;
  void forward(std::span<float> dst, std::span<std::byte> saved);
  /// grad_dst becomes the gradient before the activation.
  void backward(std::span<const float> dst, std::span<float> grad_dst, std::span<std::byte> saved);
  void explain(std::vector<Operation::Part>& parts) const;

 private:
  Activation fused_;
  bool backward_needs_dst_ = false;
  Index saved_bytes_ = 0;
  kernels::Choice<kernels::SoftmaxKernel> softmax_forward_, softmax_backward_;
  kernels::Choice<kernels::ActivationKernel> forward_, backward_;
};

}  // namespace saccade
