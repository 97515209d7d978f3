#include "saccade/nn/batch_norm.h"

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/kernels/norm/batch_norm.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/joins_internal.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/twin_operation.h"

namespace saccade {
namespace {

constexpr std::size_t kGamma = 0, kBeta = 1, kMovingMean = 2, kMovingVariance = 3;

/// The sources of a residual one are the normalisation's and the shortcut, in the order of the addition.
class BatchNormOperation final : public Operation {
 public:
  /// `src`: which source is normalised.
  BatchNormOperation(const kernels::BatchNormProblem& problem, std::size_t src, const PrepareContext& context)
      : choice_(choose(kernels::batch_norm_implementations(), problem)),
        training_(context.training),
        residual_(problem.residual),
        // Otherwise the gradient is only scaled.
        backward_reads_src_(problem.training || context.parameters[kGamma]->learns() ||
                            context.parameters[kBeta]->learns() || problem.activation != Activation::linear),
        backward_reads_dst_(problem.residual && problem.activation != Activation::linear),
        src_(src) {}

  OperationMemory memory() const override {
    return {.saved_bytes = choice_.kernel->saved_bytes(),
            .scratch_bytes = choice_.kernel->scratch_bytes(),
            .backward_reads_src = backward_reads_src_,
            .backward_reads_dst = backward_reads_dst_,
            .backward_src = src_,
            .in_place = true,
            // What is added has its gradient in that of the sum.
            .in_place_input = residual_ && training_ ? shortcut() : src_};
  }

  void forward(const ForwardBuffers& b) override {
    choice_.kernel->forward({.src = b.src[src_],
                             .shortcut = residual_ ? b.src[shortcut()] : std::span<const float>{},
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
    std::span<float> grad_shortcut;
    if (residual_) grad_shortcut = b.grad_src[shortcut()].empty() ? b.grad_dst : b.grad_src[shortcut()];
    choice_.kernel->backward({.src = b.src[src_],
                              .gamma = b.parameters[kGamma]->value.floats(),
                              .beta = b.parameters[kBeta]->value.floats(),
                              .dst_in = b.dst,
                              .grad_dst = b.grad_dst,
                              .moving_mean = b.parameters[kMovingMean]->value.floats(),
                              .moving_variance = b.parameters[kMovingVariance]->value.floats(),
                              .grad_src = b.grad_src[src_],
                              .grad_shortcut = grad_shortcut,
                              .grad_gamma = wanted(kGamma),
                              .grad_beta = wanted(kBeta),
                              .saved = b.saved,
                              .scratch = b.scratch});
  }

  std::vector<Part> explain() const override { return explain_one("forward and backward", choice_.explanation); }

 private:
  std::size_t shortcut() const { return 1 - src_; }

  kernels::Choice<kernels::BatchNormKernel> choice_;
  bool training_, residual_, backward_reads_src_, backward_reads_dst_;
  std::size_t src_;
};

/// A batch normalisation with what follows it and is computed in the same walk over memory.
struct NormAndMore {
  BatchNormOptions options;
  bool residual = false;  ///< A shortcut is added.
  std::size_t src = 0;    ///< Which input of the addition is normalised.
  Activation activation = Activation::linear;
};

std::unique_ptr<Operation> prepare_norm(const NormAndMore& norm, const PrepareContext& context) {
  const Index c = context.dst[-1];
  return std::make_unique<BatchNormOperation>(
      kernels::BatchNormProblem{.rows = context.batch * context.dst.elements() / c,
                                .c = c,
                                .epsilon = norm.options.epsilon,
                                .momentum = norm.options.momentum,
                                .training = context.training && context.parameters[kMovingMean]->trainable,
                                .residual = norm.residual,
                                .activation = norm.activation},
      norm.src, context);
}

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
  return prepare_norm({.options = options_}, context);
}

namespace internal {

void join_norms(const JoinScope& scope, Joins& joins) {
  const std::span<const GraphNode> nodes = scope.model.nodes();
  const std::vector<std::optional<std::size_t>> reader = single_readers(scope.model.graph());
  std::vector<bool> done_elsewhere(nodes.size());
  for (const std::optional<Fold>& fold : scope.folds) {
    if (fold) done_elsewhere[fold->norm] = true;
  }
  for (const std::optional<Join>& join : joins) {
    for (std::size_t k = 0; join && k < join->others.size(); ++k) done_elsewhere[join->others[k]] = true;
  }
  for (std::size_t i = scope.first + 1; i <= scope.last; ++i) {
    const auto* norm = dynamic_cast<const BatchNorm*>(nodes[i].layer.get());
    if (norm == nullptr || done_elsewhere[i]) continue;
    const auto changes = [parameters = scope.model.parameters()](std::size_t p) { return parameters[p].trainable; };
    // A frozen one scales gradients and keeps nothing, in which the activation would hinder it.
    if (!scope.passive[i] && std::ranges::none_of(nodes[i].parameters, changes)) continue;
    NormAndMore found{.options = norm->options()};
    std::size_t by = i;
    std::optional<std::size_t> next = reader[i];
    if (next && *next <= scope.last && dynamic_cast<const Add*>(nodes[*next].layer.get()) != nullptr) {
      if (nodes[*next].inputs.size() != 2 || joins[*next] || scope.passive[*next] != scope.passive[i]) continue;
      by = *next;
      found.residual = true;
      found.src = nodes[by].inputs[0] == i ? 0 : 1;
      next = reader[by];
    }
    const auto* function =
        next && *next <= scope.last ? dynamic_cast<const ActivationLayer*>(nodes[*next].layer.get()) : nullptr;
    std::vector<std::size_t> others(by == i ? 0 : 1, i);
    if (function != nullptr && function->is_usual() && function->activation() != Activation::linear &&
        !(found.residual && gradient_needs_src(function->activation()))) {
      others.push_back(*next);
      found.activation = function->activation();
    }
    if (others.empty()) continue;
    // All but the reference.
    std::string declined = kernels::batch_norm_implementations().front().decline(
        {.residual = found.residual, .activation = found.activation});
    if (found.residual && !declined.empty()) {  // without the activation, then
      others.pop_back();
      found.activation = Activation::linear;
      declined.clear();
    }
    const std::size_t partner = others.back();
    joins[by] = Join{.others = std::move(others),
                     .parameters = {i},
                     .output = by,
                     .prepare = [found](const PrepareContext& context) { return prepare_norm(found, context); },
                     .partner = partner,
                     .declined = std::move(declined)};
  }
}

}  // namespace internal
}  // namespace saccade
