#include "saccade/nn/depthwise_conv2d.h"

#include <limits>

#include "saccade/nn/checks.h"
#include "saccade/nn/convolution_internal.h"

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
  return internal::with_window({.n = batch,
                                .ih = src[0],
                                .iw = src[1],
                                .ic = src[2],
                                .oc = src[2] * o.depth_multiplier,
                                .groups = src[2],
                                .bias = o.use_bias},
                               o);
}

Shape DepthwiseConv2D::infer(std::span<const Shape> src) const {
  const std::string where = label();
  const DepthwiseConv2DOptions& o = options_;
  internal::check_window(where, o);
  checks::positive(where, "depth_multiplier", o.depth_multiplier);
  checks::in_range(where, "l2", o.l2, 0.0F, std::numeric_limits<float>::max());
  checks::image(where, src[0]);
  return internal::convolved_shape(where, problem(1, src[0]));
}

std::vector<ParameterSpec> DepthwiseConv2D::parameters(std::span<const Shape> src) const {
  const DepthwiseConv2DOptions& o = options_;
  return internal::weight_and_bias(o, {o.kernel.h, o.kernel.w, src[0][2], o.depth_multiplier},
                                   src[0][2] * o.depth_multiplier);
}

Index DepthwiseConv2D::multiply_adds(std::span<const Shape> src) const { return problem(1, src[0]).multiply_adds(); }

std::shared_ptr<const Layer> DepthwiseConv2D::with_bias_and(Activation activation) const {
  return internal::with_bias_and<DepthwiseConv2D>(options_, activation);
}

std::unique_ptr<Operation> DepthwiseConv2D::prepare(const PrepareContext& context) const {
  return internal::prepare_convolution(problem(context.batch, context.src[0]), options_.activation, context);
}

}  // namespace saccade
