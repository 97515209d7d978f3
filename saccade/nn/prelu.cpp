#include "saccade/nn/prelu.h"

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/kernels/prelu/prelu.h"

namespace saccade {
namespace {

using kernels::Pass;

class PReLUOperation final : public Operation {
 public:
  PReLUOperation(kernels::PReluProblem problem, const PrepareContext& context) {
    const auto prepared = [&problem](Pass pass) {
      problem.pass = pass;
      return choose(kernels::prelu_implementations(), problem);
    };
    forward_ = prepared(Pass::forward);
    if (!context.training) return;
    if (context.wants_grad_src[0]) grad_src_ = prepared(Pass::backward_data);
    if (context.parameters[0]->learns()) grad_alpha_ = prepared(Pass::backward_weights);
  }

  OperationMemory memory() const override {
    Index scratch = forward_.kernel->scratch_bytes();
    if (grad_src_.kernel) scratch = std::max(scratch, grad_src_.kernel->scratch_bytes());
    if (grad_alpha_.kernel) scratch = std::max(scratch, grad_alpha_.kernel->scratch_bytes());
    return {.scratch_bytes = scratch, .backward_reads_src = true, .in_place = true};
  }
  void forward(const ForwardBuffers& b) override {
    forward_.kernel->run(
        {.src = b.src[0], .alpha = b.parameters[0]->value.floats(), .dst = b.dst, .scratch = b.scratch});
  }
  void backward(const BackwardBuffers& b) override {
    // Before grad_src, which may be grad_dst.
    if (grad_alpha_.kernel) {
      grad_alpha_.kernel->run({.src = b.src[0],
                               .grad_dst = b.grad_dst,
                               .grad_alpha = b.parameters[0]->grad.floats(),
                               .scratch = b.scratch});
    }
    if (grad_src_.kernel) {
      grad_src_.kernel->run({.src = b.src[0],
                             .alpha = b.parameters[0]->value.floats(),
                             .grad_dst = b.grad_dst,
                             .grad_src = b.grad_src[0],
                             .scratch = b.scratch});
    }
  }
  std::vector<Part> explain() const override {
    std::vector<Part> parts{{"forward", forward_.explanation}};
    if (grad_src_.kernel) parts.push_back({"backward_data", grad_src_.explanation});
    if (grad_alpha_.kernel) parts.push_back({"backward_weights", grad_alpha_.explanation});
    return parts;
  }

 private:
  kernels::Choice<kernels::PReluKernel> forward_, grad_src_, grad_alpha_;
};

}  // namespace

Shape PReLU::infer(std::span<const Shape> src) const {
  if (src[0].rank() == 0 || src[0].elements() == 0) {
    throw ShapeError({.where = label(),
                      .expected = "at least one channel",
                      .got = src[0].to_string(),
                      .fix = "check the layer before it"});
  }
  return src[0];
}

std::vector<ParameterSpec> PReLU::parameters(std::span<const Shape> src) const {
  return {{.name = "alpha", .shape = {src[0][-1]}, .initializer = options_.alpha_initializer}};
}

std::unique_ptr<Operation> PReLU::prepare(const PrepareContext& context) const {
  const Index c = context.dst[-1];
  return std::make_unique<PReLUOperation>(
      kernels::PReluProblem{.rows = context.batch * context.dst.elements() / c, .c = c}, context);
}

}  // namespace saccade
