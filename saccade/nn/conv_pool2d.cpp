#include "saccade/kernels/conv_pool2d/conv_pool2d.h"

#include <span>

#include "saccade/nn/conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/joins_internal.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/twin_operation.h"

namespace saccade::internal {
namespace {

/// parameters[0] is the weight, parameters[1] the bias.
class ConvPoolOperation final : public Operation {
 public:
  ConvPoolOperation(const kernels::ConvPool2DProblem& problem, const PrepareContext& context)
      : bias_(problem.bias), choice_(choose(kernels::conv_pool2d_implementations(), problem)) {
    if (!context.training) return;
    const bool weight_learns = context.parameters[0]->learns();
    bias_learns_ = bias_ && context.parameters[1]->learns();
    learns_ = weight_learns || bias_learns_;
    // A frozen weight beside a learning bias: its gradient is computed all the same, and thrown away.
    if (learns_ && !weight_learns) unwanted_grad_.resize(usize(problem.weight_elements()));
  }

  OperationMemory memory() const override {
    return {.saved_bytes = choice_.kernel->saved_bytes(),
            .scratch_bytes = choice_.kernel->scratch_bytes(),
            .backward_reads_src = learns_};
  }

  void forward(const ForwardBuffers& b) override {
    choice_.kernel->forward({.src = b.src[0],
                             .weight = b.parameters[0]->value.floats(),
                             .bias = bias_ ? b.parameters[1]->value.floats() : std::span<float>{},
                             .dst = b.dst,
                             .saved = b.saved,
                             .scratch = b.scratch});
  }

  void backward(const BackwardBuffers& b) override {
    std::span<float> grad_weight;
    if (learns_) grad_weight = unwanted_grad_.empty() ? b.parameters[0]->grad.floats() : std::span(unwanted_grad_);
    choice_.kernel->backward({.src = b.src[0],
                              .weight = b.parameters[0]->value.floats(),
                              .grad_dst = b.grad_dst,
                              .grad_src = b.grad_src[0],
                              .grad_weight = grad_weight,
                              .grad_bias = bias_learns_ ? b.parameters[1]->grad.floats() : std::span<float>{},
                              .saved = b.saved,
                              .scratch = b.scratch});
  }

  std::vector<Part> explain() const override { return explain_one("convolution + pooling", choice_.explanation); }

 private:
  bool bias_, bias_learns_ = false, learns_ = false;
  kernels::Choice<kernels::ConvPool2DKernel> choice_;
  std::vector<float> unwanted_grad_;
};

bool is_relu(const Layer& layer) {
  const auto* function = dynamic_cast<const ActivationLayer*>(&layer);
  return function != nullptr && function->activation() == Activation::relu;
}

/// Whether it pools windows of 2x2 that lie side by side and reach into no padding.
bool pools_pairs(const Layer& layer, const Shape& src) {
  const auto* pool = dynamic_cast<const MaxPool2D*>(&layer);
  if (pool == nullptr) return false;
  const Pool2DOptions& o = pool->options();
  const auto is = [](Size2 size, Index value) { return size.h == value && size.w == value; };
  return is(o.pool, 2) && is(o.strides.value_or(o.pool), 2) && is(o.dilation, 1) &&
         o.padding.rows(src[0], 2, 2, 1) == kernels::Pads{} && o.padding.columns(src[1], 2, 2, 1) == kernels::Pads{};
}

/// The convolution's part of the problem, for one image; nothing where its window does not move pixel by pixel.
std::optional<kernels::ConvPool2DProblem> conv_part(const Layer& layer, const Shape& src) {
  const auto* conv = dynamic_cast<const Conv2D*>(&layer);
  if (conv == nullptr) return std::nullopt;
  const kernels::Conv2DProblem p = conv->problem(1, src);
  if (p.sh != 1 || p.sw != 1 || p.dh != 1 || p.dw != 1 || p.groups != 1) return std::nullopt;
  return kernels::ConvPool2DProblem{.ih = p.ih,
                                    .iw = p.iw,
                                    .ic = p.ic,
                                    .oc = p.oc,
                                    .kh = p.kh,
                                    .kw = p.kw,
                                    .ph = p.ph,
                                    .pw = p.pw,
                                    .bias = p.bias,
                                    .activation = layer.activation(),
                                    .training = false};
}

/// `problem`: of one image, without training.
std::unique_ptr<Operation> prepare(kernels::ConvPool2DProblem problem, const PrepareContext& context) {
  problem.n = context.batch;
  problem.training = context.runs_backward();
  problem.constant_weight = context.constant_parameters;
  return std::make_unique<ConvPoolOperation>(problem, context);
}

}  // namespace

void join_pools(const JoinScope& scope, Joins& joins) {
  const std::span<const GraphNode> nodes = scope.model.nodes();
  const std::vector<std::optional<std::size_t>> reader = single_readers(scope.model.graph());
  for (std::size_t i = scope.first + 1; i <= scope.last; ++i) {
    const Layer& layer = scope.layer(i);
    if (nodes[i].inputs.size() != 1) continue;
    std::optional<kernels::ConvPool2DProblem> problem = conv_part(layer, nodes[nodes[i].inputs[0]].shape);
    if (!problem) continue;
    std::optional<std::size_t> next = reader[scope.end(i)];
    std::vector<std::size_t> others;
    if (next && problem->activation == Activation::linear && is_relu(*nodes[*next].layer)) {
      others.push_back(*next);
      problem->activation = Activation::relu;
      next = reader[*next];
    }
    if (!next || *next > scope.last || !pools_pairs(*nodes[*next].layer, nodes[i].shape)) continue;
    others.push_back(*next);
    joins[i] =
        Join{.others = std::move(others),
             .parameters = {i},
             .output = *next,
             .prepare = [problem = *problem](const PrepareContext& context) { return prepare(problem, context); },
             .partner = *next,
             // What "simd" declines is left to the reference.
             .declined = decline_of(kernels::conv_pool2d_implementations(), "simd", *problem)};
  }
}

}  // namespace saccade::internal
