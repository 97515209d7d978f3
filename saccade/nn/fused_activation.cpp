#include "saccade/nn/fused_activation.h"

namespace saccade {
namespace {

std::span<float> floats(std::span<std::byte> bytes) {
  return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}

}  // namespace

FusedActivation::FusedActivation(Activation activation, const PrepareContext& context, bool learns)
    : fused_(activation) {
  using kernels::Pass;
  const Index elements = context.batch * context.dst.elements();
  if (is_softmax(activation)) {
    fused_ = Activation::linear;
    backward_needs_dst_ = learns;
    const Index classes = context.dst[-1];
    kernels::SoftmaxProblem problem{.pass = Pass::forward,
                                    .rows = elements / classes,
                                    .classes = classes,
                                    .log = activation == Activation::log_softmax};
    softmax_forward_ = choose(kernels::softmax_implementations(), problem);
    problem.pass = Pass::backward_data;
    if (learns) softmax_backward_ = choose(kernels::softmax_implementations(), problem);
  } else if (activation != Activation::linear && learns) {
    kernels::ActivationProblem problem{.activation = activation, .elements = elements};
    backward_needs_dst_ = !gradient_needs_src(activation);
    if (!backward_needs_dst_) {
      fused_ = Activation::linear;
      saved_bytes_ = elements * isize(sizeof(float));
      forward_ = choose(kernels::activation_implementations(), problem);
    }
    problem.pass = Pass::backward_data;
    backward_ = choose(kernels::activation_implementations(), problem);
  }
}

std::span<float> FusedActivation::kernel_dst(std::span<float> dst, std::span<std::byte> saved) const {
  return saved_bytes_ > 0 ? floats(saved.first(usize(saved_bytes_))) : dst;
}

void FusedActivation::forward(std::span<float> dst, std::span<std::byte> saved) {
  if (softmax_forward_.kernel) softmax_forward_.kernel->run({.src = dst, .dst = dst});
  if (forward_.kernel) forward_.kernel->run({.src = kernel_dst(dst, saved), .dst = dst});
}

void FusedActivation::backward(std::span<const float> dst, std::span<float> grad_dst, std::span<std::byte> saved) {
  if (softmax_backward_.kernel)
    softmax_backward_.kernel->run({.grad_dst = grad_dst, .dst_in = dst, .grad_src = grad_dst});
  if (backward_.kernel) {
    const std::span<const float> src = floats(saved.first(usize(saved_bytes_)));
    backward_.kernel->run({.src = src, .grad_dst = grad_dst, .dst_in = dst, .grad_src = grad_dst});
  }
}

void FusedActivation::explain(std::vector<Operation::Part>& parts) const {
  if (softmax_forward_.kernel) parts.push_back({"softmax forward", softmax_forward_.explanation});
  if (softmax_backward_.kernel) parts.push_back({"softmax backward", softmax_backward_.explanation});
  if (forward_.kernel) parts.push_back({"activation forward", forward_.explanation});
  if (backward_.kernel) parts.push_back({"activation backward", backward_.explanation});
}

}  // namespace saccade
