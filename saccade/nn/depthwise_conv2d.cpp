#include "saccade/nn/depthwise_conv2d.h"

#include <limits>

#include "saccade/nn/checks.h"
#include "saccade/nn/weighted_operation.h"

namespace saccade {

void DepthwiseConv2D::visit(DepthwiseConv2DOptions& o, OptionVisitor& v) {
  v.visit("kernel", o.kernel);
  v.visit("strides", o.strides);
  v.visit("padding", o.padding);
  v.visit("dilation", o.dilation);
  v.visit("depth_multiplier", o.depth_multiplier);
  v.visit("activation", o.activation);
  v.visit("use_bias", o.use_bias);
  v.visit("kernel_initializer", o.kernel_initializer);
  v.visit("bias_initializer", o.bias_initializer);
  v.visit("l2", o.l2);
}

kernels::Conv2DProblem DepthwiseConv2D::problem(Index batch, const Shape& src) const {
  const DepthwiseConv2DOptions& o = options_;
  return {.n = batch,
          .ih = src[0],
          .iw = src[1],
          .ic = src[2],
          .oc = src[2] * o.depth_multiplier,
          .kh = o.kernel.h,
          .kw = o.kernel.w,
          .sh = o.strides.h,
          .sw = o.strides.w,
          .dh = o.dilation.h,
          .dw = o.dilation.w,
          .ph = o.padding.rows(src[0], o.kernel.h, o.strides.h, o.dilation.h),
          .pw = o.padding.columns(src[1], o.kernel.w, o.strides.w, o.dilation.w),
          .groups = src[2],
          .bias = o.use_bias};
}

Shape DepthwiseConv2D::infer(std::span<const Shape> src) const {
  const std::string where = label();
  const DepthwiseConv2DOptions& o = options_;
  checks::positive(where, "kernel", o.kernel);
  checks::positive(where, "strides", o.strides);
  checks::positive(where, "dilation", o.dilation);
  checks::positive(where, "depth_multiplier", o.depth_multiplier);
  checks::in_range(where, "l2", o.l2, 0.0F, std::numeric_limits<float>::max());
  checks::image(where, src[0]);
  const kernels::Conv2DProblem p = problem(1, src[0]);
  checks::window_fits(where, "height", p.ih, kernels::window_extent(p.kh, p.dh), p.ph);
  checks::window_fits(where, "width", p.iw, kernels::window_extent(p.kw, p.dw), p.pw);
  return {p.oh(), p.ow(), p.oc};
}

std::vector<ParameterSpec> DepthwiseConv2D::parameters(std::span<const Shape> src) const {
  const DepthwiseConv2DOptions& o = options_;
  std::vector<ParameterSpec> specs{{.name = "weight",
                                    .shape = {o.kernel.h, o.kernel.w, src[0][2], o.depth_multiplier},
                                    .initializer = o.kernel_initializer,
                                    .l2 = o.l2}};
  if (o.use_bias) {
    specs.push_back({.name = "bias", .shape = {src[0][2] * o.depth_multiplier}, .initializer = o.bias_initializer});
  }
  return specs;
}

Index DepthwiseConv2D::multiply_adds(std::span<const Shape> src) const { return problem(1, src[0]).multiply_adds(); }

std::shared_ptr<const Layer> DepthwiseConv2D::with_bias_and(Activation activation) const {
  if (options_.activation != Activation::linear) return nullptr;
  DepthwiseConv2DOptions options = options_;
  options.use_bias = true;
  options.activation = activation;
  return std::make_shared<DepthwiseConv2D>(std::move(options));
}

std::unique_ptr<Operation> DepthwiseConv2D::prepare(const PrepareContext& context) const {
  kernels::Conv2DProblem p = problem(context.batch, context.src[0]);
  p.constant_weight = context.constant_parameters;
  return std::make_unique<WeightedOperation<kernels::Conv2DProblem, kernels::Conv2DKernel>>(
      kernels::conv2d_implementations(), p, options_.activation, context);
}

}  // namespace saccade
