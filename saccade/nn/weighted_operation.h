#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "saccade/kernels/kernel.h"
#include "saccade/nn/fused_activation.h"
#include "saccade/nn/operation.h"

namespace saccade {

/// A layer of the form act(weight (x) src + bias): convolution and dense. parameters[0] is the weight, parameters[1]
/// the bias.
template <class Problem, class Kernel>
class WeightedOperation final : public Operation {
 public:
  WeightedOperation(std::span<const kernels::Implementation<Problem, Kernel>> list, Problem problem,
                    Activation activation, const PrepareContext& context)
      : activation_(activation, context, context.runs_backward()), bias_(problem.bias) {
    problem.activation = activation_.for_kernel();
    forward_ = choose(list, problem);
    problem.activation = Activation::linear;
    if (!context.training) return;
    if (context.wants_grad_src[0]) {
      problem.pass = kernels::Pass::backward_data;
      backward_data_ = choose(list, problem);
    }
    const bool weight_learns = context.parameters[0]->learns();
    const bool bias_learns = bias_ && context.parameters[1]->learns();
    if (weight_learns || bias_learns) {
      problem.pass = kernels::Pass::backward_weights;
      problem.bias = bias_learns;
      backward_weights_ = choose(list, problem);
      // A frozen weight beside a learning bias: its gradient is computed all the same, and thrown away.
      if (!weight_learns) unwanted_grad_.resize(usize(context.parameters[0]->value.elements()));
    }
  }

  OperationMemory memory() const override {
    Index scratch = forward_.kernel->scratch_bytes();
    if (backward_data_.kernel) scratch = std::max(scratch, backward_data_.kernel->scratch_bytes());
    if (backward_weights_.kernel) scratch = std::max(scratch, backward_weights_.kernel->scratch_bytes());
    return {.saved_bytes = activation_.saved_bytes(),
            .scratch_bytes = scratch,
            .backward_reads_src = backward_weights_.kernel != nullptr,
            .backward_reads_dst = activation_.backward_reads_dst()};
  }

  void forward(const ForwardBuffers& b) override {
    forward_.kernel->run({.src = b.src[0],
                          .weight = b.parameters[0]->value.floats(),
                          .bias = bias_ ? b.parameters[1]->value.floats() : std::span<float>{},
                          .dst = activation_.kernel_dst(b.dst, b.saved),
                          .scratch = b.scratch});
    activation_.forward(b.dst, b.saved);
  }

  void backward(const BackwardBuffers& b) override {
    activation_.backward(b.dst, b.grad_dst, b.saved);
    if (backward_weights_.kernel) {
      const bool bias_learns = bias_ && b.parameters[1]->learns();
      backward_weights_.kernel->run(
          {.src = b.src[0],
           .grad_dst = b.grad_dst,
           .grad_weight = unwanted_grad_.empty() ? b.parameters[0]->grad.floats() : std::span<float>(unwanted_grad_),
           .grad_bias = bias_learns ? b.parameters[1]->grad.floats() : std::span<float>{},
           .scratch = b.scratch});
    }
    if (backward_data_.kernel) {
      backward_data_.kernel->run({.weight = b.parameters[0]->value.floats(),
                                  .grad_dst = b.grad_dst,
                                  .grad_src = b.grad_src[0],
                                  .scratch = b.scratch});
    }
  }

  std::vector<Part> explain() const override {
    std::vector<Part> parts{{"forward", forward_.explanation}};
    if (backward_data_.kernel) parts.push_back({"backward_data", backward_data_.explanation});
    if (backward_weights_.kernel) parts.push_back({"backward_weights", backward_weights_.explanation});
    activation_.explain(parts);
    return parts;
  }

 private:
  FusedActivation activation_;
  bool bias_;
  kernels::Choice<Kernel> forward_, backward_data_, backward_weights_;
  std::vector<float> unwanted_grad_;
};

}  // namespace saccade
