#include "saccade/nn/elementwise.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "saccade/base/error.h"
#include "saccade/kernels/dropout/dropout.h"
#include "saccade/kernels/softmax/softmax.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/twin_operation.h"
#include "saccade/nn/view.h"

namespace saccade {
namespace {

/// dst = f(src), and a gradient that is a function of dst alone or of src alone.
template <class Kernel>
class FunctionOperation final : public Operation {
 public:
  template <class Problem>
  FunctionOperation(std::span<const kernels::Implementation<Problem, Kernel>> list, Problem problem, bool training,
                    bool needs_src)
      : needs_src_(needs_src), forward_(choose(list, problem)) {
    problem.pass = kernels::Pass::backward_data;
    if (training) backward_ = choose(list, problem);
  }

  OperationMemory memory() const override {
    return {.backward_reads_src = needs_src_, .backward_reads_dst = !needs_src_, .in_place = true};
  }
  void forward(const ForwardBuffers& b) override { forward_.kernel->run({.src = b.src[0], .dst = b.dst}); }
  void backward(const BackwardBuffers& b) override {
    if (b.grad_src[0].empty()) return;
    backward_.kernel->run({.src = b.src[0], .grad_dst = b.grad_dst, .dst_in = b.dst, .grad_src = b.grad_src[0]});
  }
  std::vector<Part> explain() const override {
    std::vector<Part> parts{{"forward", forward_.explanation}};
    if (backward_.kernel) parts.push_back({"backward_data", backward_.explanation});
    return parts;
  }

 private:
  bool needs_src_;
  kernels::Choice<Kernel> forward_, backward_;
};

class DropoutOperation final : public Operation {
 public:
  DropoutOperation(const kernels::DropoutProblem& problem, std::uint32_t slot)
      : slot_(slot), choice_(choose(kernels::dropout_implementations(), problem)) {}

  OperationMemory memory() const override { return {.saved_bytes = choice_.kernel->saved_bytes(), .in_place = true}; }
  void forward(const ForwardBuffers& b) override {
    choice_.kernel->forward({.seed = b.address.seed,
                             .step = b.address.step,
                             .slot = slot_,
                             .src = b.src[0],
                             .dst = b.dst,
                             .saved = b.saved});
  }
  void backward(const BackwardBuffers& b) override {
    if (b.grad_src[0].empty()) return;
    choice_.kernel->backward({.grad_dst = b.grad_dst, .grad_src = b.grad_src[0], .saved = b.saved});
  }
  std::vector<Part> explain() const override { return explain_one("forward and backward", choice_.explanation); }

 private:
  std::uint32_t slot_;
  kernels::Choice<kernels::DropoutKernel> choice_;
};

}  // namespace

void ActivationLayer::visit(ActivationOptions& o, OptionVisitor& v) {
  v.visit("activation", o.activation);
  v.visit("negative_slope", o.negative_slope);
  v.visit("elu_alpha", o.elu_alpha);
  v.visit("hard_sigmoid_slope", o.hard_sigmoid_slope);
  v.visit("hard_sigmoid_offset", o.hard_sigmoid_offset);
  v.visit("clip_low", o.clip_low);
  v.visit("clip_high", o.clip_high);
}

Shape ActivationLayer::infer(std::span<const Shape> src) const {
  constexpr float kMost = std::numeric_limits<float>::max();
  checks::in_range(label(), "negative_slope", options_.negative_slope, 0.0F, kMost);
  checks::in_range(label(), "elu_alpha", options_.elu_alpha, 0.0F, kMost);
  checks::in_range(label(), "hard_sigmoid_slope", options_.hard_sigmoid_slope, 1e-6F, kMost);
  checks::in_range(label(), "hard_sigmoid_offset", options_.hard_sigmoid_offset, -kMost, kMost);
  if (!std::isfinite(options_.clip_low) || !std::isfinite(options_.clip_high)) {
    throw ValueError({.where = label() + ": clip_low, clip_high",
                      .expected = "finite numbers",
                      .got = fmt::format("{} and {}", options_.clip_low, options_.clip_high),
                      .fix = "the largest float is no bound at all"});
  }
  if (!(options_.clip_low <= options_.clip_high)) {
    throw ValueError({.where = label() + ": clip_low",
                      .expected = fmt::format("at most clip_high, {}", options_.clip_high),
                      .got = fmt::format("{}", options_.clip_low),
                      .fix = "change them over"});
  }
  return src[0];
}

bool ActivationLayer::is_usual() const {
  const ActivationOptions usual;
  return !is_softmax(options_.activation) && options_.activation != Activation::clip &&
         options_.negative_slope == usual.negative_slope && options_.elu_alpha == usual.elu_alpha &&
         options_.hard_sigmoid_slope == usual.hard_sigmoid_slope &&
         options_.hard_sigmoid_offset == usual.hard_sigmoid_offset;
}

std::unique_ptr<Operation> ActivationLayer::prepare(const PrepareContext& context) const {
  const Index elements = context.batch * context.dst.elements();
  if (options_.activation == Activation::linear) return std::make_unique<ViewOperation>();
  if (is_softmax(options_.activation)) {
    const Index classes = context.dst[-1];
    return std::make_unique<FunctionOperation<kernels::SoftmaxKernel>>(
        kernels::softmax_implementations(),
        kernels::SoftmaxProblem{
            .rows = elements / classes, .classes = classes, .log = options_.activation == Activation::log_softmax},
        context.runs_backward(), false);
  }
  return std::make_unique<FunctionOperation<kernels::ActivationKernel>>(
      kernels::activation_implementations(),
      kernels::ActivationProblem{.activation = options_.activation,
                                 .negative_slope = options_.negative_slope,
                                 .elu_alpha = options_.elu_alpha,
                                 .hard_sigmoid_slope = options_.hard_sigmoid_slope,
                                 .hard_sigmoid_offset = options_.hard_sigmoid_offset,
                                 .clip_low = options_.clip_low,
                                 .clip_high = options_.clip_high,
                                 .elements = elements},
      context.runs_backward(), gradient_needs_src(options_.activation));
}

Shape Dropout::infer(std::span<const Shape> src) const {
  checks::in_range(label(), "rate", options_.rate, 0.0F, 1.0F);
  return src[0];
}

std::unique_ptr<Operation> Dropout::prepare(const PrepareContext& context) const {
  if (!context.training || options_.rate == 0.0F) return std::make_unique<ViewOperation>();
  return std::make_unique<DropoutOperation>(
      kernels::DropoutProblem{.rows = context.batch, .elements = context.dst.elements(), .rate = options_.rate},
      context.slot);
}

}  // namespace saccade
