#pragma once
#include <algorithm>
#include <span>
#include <utility>
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
  using Implementations = std::span<const kernels::Implementation<Problem, Kernel>>;

  /// Where both gradients are wanted and one of `sweeps` takes the problem, it computes them in one run. Where the weight
  /// has an update and one of `updates` takes the problem, that makes it.
  WeightedOperation(Implementations list, Problem problem, Activation activation, const PrepareContext& context,
                    Implementations sweeps = {}, Implementations updates = {})
      : activation_(activation, context, context.runs_backward()), bias_(problem.bias) {
    problem.activation = activation_.for_kernel();
    forward_ = choose(list, problem);
    problem.activation = Activation::linear;
    if (!context.training) return;
    const bool weight_learns = context.parameters[0]->learns();
    const bool bias_learns = bias_ && context.parameters[1]->learns();
    const bool wants_data = context.wants_grad_src[0], wants_weights = weight_learns || bias_learns;
    // A frozen weight beside a learning bias: its gradient is computed all the same, and thrown away.
    if (wants_weights && !weight_learns) unwanted_grad_.resize(usize(context.parameters[0]->value.elements()));
    Problem weights = problem;
    weights.pass = kernels::Pass::backward_weights;
    weights.bias = bias_learns;
    if (wants_data && wants_weights) backward_ = choose(sweeps, weights);
    if (backward_.kernel) return;
    if (wants_weights) backward_weights_ = choose(list, weights);
    if (weight_learns) update_ = choose(updates, weights);
    problem.pass = kernels::Pass::backward_data;
    if (wants_data) backward_data_ = choose(list, problem);
    auto& declined = backward_data_.explanation.declined;
    declined.insert(declined.begin(), backward_.explanation.declined.begin(), backward_.explanation.declined.end());
  }

  OperationMemory memory() const override {
    Index scratch = forward_.kernel->scratch_bytes();
    for (const auto* choice : {&backward_, &backward_data_, &backward_weights_, &update_}) {
      if (choice->kernel) scratch = std::max(scratch, choice->kernel->scratch_bytes());
    }
    return {.saved_bytes = activation_.saved_bytes(),
            .scratch_bytes = scratch,
            .backward_reads_src = backward_.kernel || backward_weights_.kernel,
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
    const std::span<const float> weight = b.parameters[0]->value.floats();
    const std::span<float> grad_weight = unwanted_grad_.empty() ? b.parameters[0]->grad.floats() : unwanted_grad_;
    const bool bias_learns = bias_ && b.parameters[1]->learns();
    const std::span<float> grad_bias = bias_learns ? b.parameters[1]->grad.floats() : std::span<float>{};
    if (backward_.kernel) {
      backward_.kernel->run({.src = b.src[0],
                             .weight = weight,
                             .grad_dst = b.grad_dst,
                             .grad_src = b.grad_src[0],
                             .grad_weight = grad_weight,
                             .grad_bias = grad_bias,
                             .scratch = b.scratch});
    }
    // Before the weight changes.
    if (backward_data_.kernel) {
      backward_data_.kernel->run(
          {.weight = weight, .grad_dst = b.grad_dst, .grad_src = b.grad_src[0], .scratch = b.scratch});
    }
    if (update_weight(b, grad_bias)) return;
    if (backward_weights_.kernel) {
      backward_weights_.kernel->run({.src = b.src[0],
                                     .grad_dst = b.grad_dst,
                                     .grad_weight = grad_weight,
                                     .grad_bias = grad_bias,
                                     .scratch = b.scratch});
    }
  }

  std::vector<Part> explain() const override {
    std::vector<Part> parts{{"forward", forward_.explanation}};
    if (backward_.kernel) parts.push_back({"backward", backward_.explanation});
    if (backward_data_.kernel) parts.push_back({"backward_data", backward_data_.explanation});
    if (backward_weights_.kernel) parts.push_back({"backward_weights", backward_weights_.explanation});
    if (update_.kernel) parts.push_back({"update", update_.explanation});
    activation_.explain(parts);
    return parts;
  }

 private:
  template <class Buffers>
  static Buffers buffers_of(const kernels::Kernel<Buffers>&);
  using Buffers = decltype(buffers_of(std::declval<const Kernel&>()));

  /// False where there is nothing to update, or nobody to do it while the gradient is made.
  bool update_weight(const BackwardBuffers& b, std::span<float> grad_bias) {
    if constexpr (requires(Buffers buffers) { buffers.update; }) {
      const std::span<float> grad_weight = b.parameters[0]->grad.floats();
      const auto update = std::ranges::find_if(b.updates, [&](const kernels::WeightUpdate& u) {
        return u.whole.weight == b.parameters[0]->value.floats().data();
      });
      if (!update_.kernel || update == b.updates.end()) return false;
      update_.kernel->run({.src = b.src[0],
                           .grad_dst = b.grad_dst,
                           .grad_weight = grad_weight,
                           .grad_bias = grad_bias,
                           .scratch = b.scratch,
                           .update = &*update});
      update->done = true;
      return true;
    }
    return false;
  }

  FusedActivation activation_;
  bool bias_;
  kernels::Choice<Kernel> forward_, backward_, backward_data_, backward_weights_, update_;
  std::vector<float> unwanted_grad_;
};

}  // namespace saccade
