#include "saccade/nn/fused_activation.h"

namespace saccade {

FusedActivation::FusedActivation(Activation activation, const PrepareContext& context) : activation_(activation) {
  using kernels::Pass;
  const Index elements = context.batch * context.dst.elements();
  if (activation == Activation::softmax) {
    const Index classes = context.dst[-1];
    kernels::SoftmaxProblem problem{.pass = Pass::forward, .rows = elements / classes, .classes = classes};
    softmax_forward_ = choose(kernels::softmax_implementations(), problem);
    problem.pass = Pass::backward_data;
    if (context.training) softmax_backward_ = choose(kernels::softmax_implementations(), problem);
  } else if (activation != Activation::linear && context.training) {
    backward_ =
        choose(kernels::activation_implementations(),
               kernels::ActivationProblem{.pass = Pass::backward_data, .activation = activation, .elements = elements});
  }
}

void FusedActivation::forward(std::span<float> dst) {
  if (softmax_forward_.kernel) softmax_forward_.kernel->run({.src = dst, .dst = dst});
}

void FusedActivation::backward(std::span<const float> dst, std::span<float> grad_dst) {
  if (softmax_backward_.kernel)
    softmax_backward_.kernel->run({.grad_dst = grad_dst, .dst_in = dst, .grad_src = grad_dst});
  if (backward_.kernel) backward_.kernel->run({.grad_dst = grad_dst, .dst_in = dst, .grad_src = grad_dst});
}

void FusedActivation::explain(std::vector<Operation::Part>& parts) const {
  if (softmax_forward_.kernel) parts.push_back({"softmax forward", softmax_forward_.explanation});
  if (softmax_backward_.kernel) parts.push_back({"softmax backward", softmax_backward_.explanation});
  if (backward_.kernel) parts.push_back({"activation backward", backward_.explanation});
}

}  // namespace saccade
