#include "saccade/nn/batch_norm.h"

#include "saccade/base/error.h"
#include "saccade/kernels/norm/batch_norm.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/twin_operation.h"

namespace saccade {
namespace {

constexpr std::size_t kGamma = 0, kBeta = 1, kMovingMean = 2, kMovingVariance = 3;

class BatchNormOperation final : public Operation {
 public:
  BatchNormOperation(const kernels::BatchNormProblem& problem, const PrepareContext& context)
      : choice_(choose(kernels::batch_norm_implementations(), problem)),
        // Otherwise the gradient is only scaled.
        backward_reads_src_(problem.training || context.parameters[kGamma]->learns() ||
                            context.parameters[kBeta]->learns()) {}

  OperationMemory memory() const override {
    return {.saved_bytes = choice_.kernel->saved_bytes(),
            .scratch_bytes = choice_.kernel->scratch_bytes(),
            .backward_reads_src = backward_reads_src_,
            .in_place = !backward_reads_src_};
  }

  void forward(const ForwardBuffers& b) override {
    choice_.kernel->forward({.src = b.src[0],
                             .gamma = b.parameters[kGamma]->value.floats(),
                             .beta = b.parameters[kBeta]->value.floats(),
                             .moving_mean = b.parameters[kMovingMean]->value.floats(),
                             .moving_variance = b.parameters[kMovingVariance]->value.floats(),
                             .dst = b.dst,
                             .saved = b.saved,
                             .scratch = b.scratch});
  }

  void backward(const BackwardBuffers& b) override {
    auto wanted = [&](std::size_t i) {
      return b.parameters[i]->learns() ? b.parameters[i]->grad.floats() : std::span<float>{};
    };
    choice_.kernel->backward({.src = b.src[0],
                              .gamma = b.parameters[kGamma]->value.floats(),
                              .grad_dst = b.grad_dst,
                              .moving_mean = b.parameters[kMovingMean]->value.floats(),
                              .moving_variance = b.parameters[kMovingVariance]->value.floats(),
                              .grad_src = b.grad_src[0],
                              .grad_gamma = wanted(kGamma),
                              .grad_beta = wanted(kBeta),
                              .saved = b.saved,
                              .scratch = b.scratch});
  }

  std::vector<Part> explain() const override { return explain_one("forward and backward", choice_.explanation); }

 private:
  kernels::Choice<kernels::BatchNormKernel> choice_;
  bool backward_reads_src_;
};

}  // namespace

void BatchNorm::visit(BatchNormOptions& o, OptionVisitor& v) {
  v.visit("momentum", o.momentum);
  v.visit("epsilon", o.epsilon);
  v.visit("scale", o.scale);
}

Shape BatchNorm::infer(std::span<const Shape> src) const {
  checks::in_range(label(), "momentum", options_.momentum, 0.0F, 1.0F);
  checks::in_range(label(), "epsilon", options_.epsilon, 1e-12F, 1.0F);
  if (src[0].rank() == 0 || src[0].elements() == 0) {
    throw ShapeError({.where = label(),
                      .expected = "at least one channel",
                      .got = src[0].to_string(),
                      .fix = "check the layer before it"});
  }
  return src[0];
}

std::vector<ParameterSpec> BatchNorm::parameters(std::span<const Shape> src) const {
  const Shape channels{src[0][-1]};
  return {
      {.name = "gamma",
       .shape = channels,
       .initializer = Initializer::ones(),
       .role = options_.scale ? Parameter::Role::weight : Parameter::Role::state},
      {.name = "beta", .shape = channels, .initializer = Initializer::zeros()},
      {.name = "moving_mean", .shape = channels, .initializer = Initializer::zeros(), .role = Parameter::Role::state},
      {.name = "moving_variance",
       .shape = channels,
       .initializer = Initializer::ones(),
       .role = Parameter::Role::state}};
}

std::unique_ptr<Operation> BatchNorm::prepare(const PrepareContext& context) const {
  const Index c = context.dst[-1];
  return std::make_unique<BatchNormOperation>(
      kernels::BatchNormProblem{.rows = context.batch * context.dst.elements() / c,
                                .c = c,
                                .epsilon = options_.epsilon,
                                .momentum = options_.momentum,
                                .training = context.training && context.parameters[kMovingMean]->trainable},
      context);
}

}  // namespace saccade
