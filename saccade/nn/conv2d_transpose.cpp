#include "saccade/nn/conv2d_transpose.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "saccade/base/error.h"
#include "saccade/kernels/bias/bias.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/convolution_internal.h"
#include "saccade/nn/fused_activation.h"

namespace saccade {
namespace {

using kernels::Pass;

/// The passes of the convolution, in other roles: its backward_data is the forward pass here, its forward pass gives the
/// gradient of the input, and in the gradient of the weights the two images change places.
class ConvTransposeOperation final : public Operation {
 public:
  ConvTransposeOperation(kernels::Conv2DProblem problem, const Conv2DTransposeOptions& options,
                         const PrepareContext& context)
      : activation_(options.activation, context, context.runs_backward()) {
    const auto conv = [&problem](Pass pass) {
      problem.pass = pass;
      return choose(kernels::conv2d_implementations(), problem);
    };
    forward_ = conv(Pass::backward_data);
    kernels::BiasProblem bias{.rows = problem.n * problem.ih * problem.iw, .c = problem.ic};
    if (options.use_bias) bias_ = choose(kernels::bias_implementations(), bias);
    if (activation_.for_kernel() != Activation::linear) {
      function_ = choose(
          kernels::activation_implementations(),
          kernels::ActivationProblem{.activation = activation_.for_kernel(), .elements = problem.src_elements()});
    }
    if (!context.training) return;
    if (context.wants_grad_src[0]) grad_src_ = conv(Pass::forward);
    if (context.parameters[0]->learns()) grad_weight_ = conv(Pass::backward_weights);
    bias.pass = Pass::backward_weights;
    if (options.use_bias && context.parameters[1]->learns()) grad_bias_ = choose(kernels::bias_implementations(), bias);
  }

  OperationMemory memory() const override {
    Index scratch = forward_.kernel->scratch_bytes();
    const auto include = [&scratch](const auto& choice) {
      if (choice.kernel) scratch = std::max(scratch, choice.kernel->scratch_bytes());
    };
    include(bias_);
    include(function_);
    include(grad_src_);
    include(grad_weight_);
    include(grad_bias_);
    return {.saved_bytes = activation_.saved_bytes(),
            .scratch_bytes = scratch,
            .backward_reads_src = grad_weight_.kernel != nullptr,
            .backward_reads_dst = activation_.backward_reads_dst()};
  }

  void forward(const ForwardBuffers& b) override {
    const std::span<float> y = activation_.kernel_dst(b.dst, b.saved);
    forward_.kernel->run(
        {.weight = b.parameters[0]->value.floats(), .grad_dst = b.src[0], .grad_src = y, .scratch = b.scratch});
    if (bias_.kernel) {
      bias_.kernel->run({.src = y, .bias = b.parameters[1]->value.floats(), .dst = y, .scratch = b.scratch});
    }
    if (function_.kernel) function_.kernel->run({.src = y, .dst = y});
    activation_.forward(b.dst, b.saved);
  }

  void backward(const BackwardBuffers& b) override {
    activation_.backward(b.dst, b.grad_dst, b.saved);
    if (grad_bias_.kernel) {
      grad_bias_.kernel->run(
          {.grad_dst = b.grad_dst, .grad_bias = b.parameters[1]->grad.floats(), .scratch = b.scratch});
    }
    if (grad_weight_.kernel) {
      grad_weight_.kernel->run({.src = b.grad_dst,
                                .grad_dst = b.src[0],
                                .grad_weight = b.parameters[0]->grad.floats(),
                                .scratch = b.scratch});
    }
    if (grad_src_.kernel) {
      grad_src_.kernel->run(
          {.src = b.grad_dst, .weight = b.parameters[0]->value.floats(), .dst = b.grad_src[0], .scratch = b.scratch});
    }
  }

  std::vector<Part> explain() const override {
    std::vector<Part> parts{{"forward", forward_.explanation}};
    if (grad_src_.kernel) parts.push_back({"backward_data", grad_src_.explanation});
    if (grad_weight_.kernel) parts.push_back({"backward_weights", grad_weight_.explanation});
    if (bias_.kernel) parts.push_back({"bias", bias_.explanation});
    activation_.explain(parts);
    return parts;
  }

 private:
  FusedActivation activation_;
  kernels::Choice<kernels::Conv2DKernel> forward_, grad_src_, grad_weight_;
  kernels::Choice<kernels::BiasKernel> bias_, grad_bias_;
  kernels::Choice<kernels::ActivationKernel> function_;
};

/// Extent of the output along an axis; 0 or less where the padding leaves nothing.
Index output_extent(const Padding& padding, Index in, Index extent, Index stride, kernels::Pads pads,
                    Index output_padding) {
  switch (padding.kind()) {
    case Padding::Kind::valid:
      return in * stride + std::max<Index>(extent - stride, 0);
    case Padding::Kind::same:
      return in * stride;
    case Padding::Kind::explicit_:
      break;
  }
  return (in - 1) * stride + extent - pads.before - pads.after + output_padding;
}

}  // namespace

void Conv2DTranspose::visit(Conv2DTransposeOptions& o, OptionVisitor& v) {
  v.visit("filters", o.filters);
  v.visit("kernel", o.kernel);
  v.visit("strides", o.strides);
  v.visit("padding", o.padding);
  v.visit("output_padding", o.output_padding);
  v.visit("dilation", o.dilation);
  v.visit("groups", o.groups);
  v.visit("activation", o.activation);
  v.visit("use_bias", o.use_bias);
  v.visit("kernel_initializer", o.kernel_initializer);
  v.visit("bias_initializer", o.bias_initializer);
  v.visit("l2", o.l2);
}

kernels::Conv2DProblem Conv2DTranspose::problem(Index batch, const Shape& src) const {
  const Conv2DTransposeOptions& o = options_;
  // Explicit pads do not depend on the extent; SAME's are those of the output.
  const Index oh = output_extent(o.padding, src[0], kernels::window_extent(o.kernel.h, o.dilation.h), o.strides.h,
                                 o.padding.rows(1, 1, 1, 1), o.output_padding.h);
  const Index ow = output_extent(o.padding, src[1], kernels::window_extent(o.kernel.w, o.dilation.w), o.strides.w,
                                 o.padding.columns(1, 1, 1, 1), o.output_padding.w);
  return internal::with_window(
      {.n = batch, .ih = oh, .iw = ow, .ic = o.filters, .oc = src[2], .groups = o.groups, .bias = false}, o);
}

Shape Conv2DTranspose::infer(std::span<const Shape> src) const {
  const std::string where = label();
  const Conv2DTransposeOptions& o = options_;
  checks::positive(where, "filters", o.filters);
  internal::check_window(where, o);
  checks::positive(where, "groups", o.groups);
  checks::in_range(where, "l2", o.l2, 0.0F, std::numeric_limits<float>::max());
  checks::image(where, src[0]);
  const Size2 extra = o.output_padding;
  const bool given = o.padding.kind() == Padding::Kind::explicit_;
  if (extra.h < 0 || extra.w < 0 || extra.h >= o.strides.h || extra.w >= o.strides.w || (!given && extra != Size2(0))) {
    throw ValueError({.where = fmt::format("{}: output_padding", where),
                      .expected = given ? fmt::format("0 up to, but not, the strides {}", o.strides.to_string())
                                        : "0x0 with valid and same, which set the size of the output",
                      .got = extra.to_string(),
                      .fix = given ? "set .output_padding below .strides" : "use explicit padding"});
  }
  internal::check_groups(where, src[0][2], o.filters, o.groups);
  const kernels::Conv2DProblem p = problem(1, src[0]);
  if (std::min(p.ih, p.iw) < 1 || std::max(p.ih, p.iw) > checks::kMost) {
    throw ShapeError({.where = where,
                      .expected = "padding and strides that leave some output, and not too much",
                      .got = fmt::format("{} by {} pixels of it", p.ih, p.iw),
                      .fix = "use less padding, or smaller strides"});
  }
  return {p.ih, p.iw, p.ic};
}

std::vector<ParameterSpec> Conv2DTranspose::parameters(std::span<const Shape> src) const {
  const Conv2DTransposeOptions& o = options_;
  return internal::weight_and_bias(o, {o.kernel.h, o.kernel.w, o.filters / o.groups, src[0][2]}, o.filters);
}

Index Conv2DTranspose::multiply_adds(std::span<const Shape> src) const { return problem(1, src[0]).multiply_adds(); }

std::unique_ptr<Operation> Conv2DTranspose::prepare(const PrepareContext& context) const {
  return std::make_unique<ConvTransposeOperation>(problem(context.batch, context.src[0]), options_, context);
}

}  // namespace saccade
