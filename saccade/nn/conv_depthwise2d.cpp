#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d.h"

#include <span>

#include "saccade/nn/joins_internal.h"
#include "saccade/nn/twin_operation.h"

namespace saccade::internal {
namespace {

/// parameters: weight and perhaps bias of the convolution, then those of the depthwise one.
class ConvDepthwiseOperation final : public Operation {
 public:
  explicit ConvDepthwiseOperation(const kernels::ConvDepthwise2DProblem& problem)
      : bias_(problem.bias), choice_(choose(kernels::conv_depthwise2d_implementations(), problem)) {}

  OperationMemory memory() const override { return {.scratch_bytes = choice_.kernel->scratch_bytes()}; }

  void forward(const ForwardBuffers& b) override {
    const auto values = [&](std::size_t i) { return std::span<const float>(b.parameters[i]->value.floats()); };
    const std::span<const float> none;
    choice_.kernel->run({.src = b.src[0],
                         .weight = values(0),
                         .bias = bias_ ? values(1) : none,
                         .depthwise_weight = values(bias_ ? 2 : 1),
                         .depthwise_bias = bias_ ? values(3) : none,
                         .dst = b.dst,
                         .scratch = b.scratch});
  }

  /// Only where no backward pass comes are the two joined.
  void backward(const BackwardBuffers&) override {}

  std::vector<Part> explain() const override { return explain_one("convolution + depthwise", choice_.explanation); }

 private:
  bool bias_;
  kernels::Choice<kernels::ConvDepthwise2DKernel> choice_;
};

bool sees_single_pixels(const kernels::Conv2DProblem& p) {
  return p.kh == 1 && p.kw == 1 && p.sh == 1 && p.sw == 1 && p.groups == 1 && p.ph == kernels::Pads{} &&
         p.pw == kernels::Pads{};
}

bool is_depthwise(const kernels::Conv2DProblem& p) {
  return p.groups > 1 && p.groups == p.ic && p.groups == p.oc && p.dh == 1 && p.dw == 1;
}

/// `problem`: of one image.
std::unique_ptr<Operation> prepare(kernels::ConvDepthwise2DProblem problem, const PrepareContext& context) {
  problem.n = context.batch;
  problem.constant_weight = context.constant_parameters;
  return std::make_unique<ConvDepthwiseOperation>(problem);
}

}  // namespace

void join_convolutions(const JoinScope& scope, Joins& joins) {
  const std::span<const GraphNode> nodes = scope.model.nodes();
  const std::vector<std::optional<std::size_t>> reader = single_readers(scope.model.graph());
  const auto problem_at = [&nodes, &scope](std::size_t i) -> std::optional<kernels::Conv2DProblem> {
    if (nodes[i].inputs.size() != 1) return std::nullopt;
    return convolution_of(scope.layer(i), nodes[nodes[i].inputs[0]].shape);
  };
  for (std::size_t i = scope.first + 1; i <= scope.last; ++i) {
    const std::optional<kernels::Conv2DProblem> conv = problem_at(i);
    if (!conv || !sees_single_pixels(*conv)) continue;
    const std::optional<std::size_t> next = reader[scope.end(i)];
    if (!next || *next > scope.last || !scope.passive[*next] || joins[*next]) continue;
    const std::optional<kernels::Conv2DProblem> depthwise = problem_at(*next);
    if (!depthwise || !is_depthwise(*depthwise)) continue;
    if (depthwise->activation != conv->activation || depthwise->bias != conv->bias) continue;
    const kernels::ConvDepthwise2DProblem problem{.ih = conv->ih,
                                                  .iw = conv->iw,
                                                  .ic = conv->ic,
                                                  .oc = conv->oc,
                                                  .kh = depthwise->kh,
                                                  .kw = depthwise->kw,
                                                  .sh = depthwise->sh,
                                                  .sw = depthwise->sw,
                                                  .ph = depthwise->ph,
                                                  .pw = depthwise->pw,
                                                  .bias = conv->bias,
                                                  .activation = conv->activation};
    joins[*next] = Join{.others = {i},
                        .parameters = {i, *next},
                        .output = *next,
                        .prepare = [problem](const PrepareContext& context) { return prepare(problem, context); },
                        .partner = i,
                        // All but the reference.
                        .declined = kernels::conv_depthwise2d_implementations().front().decline(problem)};
  }
}

}  // namespace saccade::internal
