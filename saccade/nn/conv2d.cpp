#include "saccade/nn/conv2d.h"

#include <limits>

#include "saccade/nn/checks.h"
#include "saccade/nn/convolution_internal.h"

namespace saccade {
void Conv2D::visit(Conv2DOptions& o, OptionVisitor& v) {
  v.visit("filters", o.filters);
  v.visit("kernel", o.kernel);
  v.visit("strides", o.strides);
  v.visit("padding", o.padding);
  v.visit("dilation", o.dilation);
  v.visit("groups", o.groups);
  v.visit("activation", o.activation);
  v.visit("use_bias", o.use_bias);
  v.visit("kernel_initializer", o.kernel_initializer);
  v.visit("bias_initializer", o.bias_initializer);
  v.visit("l2", o.l2);
}

kernels::Conv2DProblem Conv2D::problem(Index batch, const Shape& src) const {
  const Conv2DOptions& o = options_;
  return internal::with_window(
      {.n = batch, .ih = src[0], .iw = src[1], .ic = src[2], .oc = o.filters, .groups = o.groups, .bias = o.use_bias},
      o);
}

Shape Conv2D::infer(std::span<const Shape> src) const {
  const std::string where = label();
  const Conv2DOptions& o = options_;
  checks::positive(where, "filters", o.filters);
  internal::check_window(where, o);
  checks::positive(where, "groups", o.groups);
  checks::in_range(where, "l2", o.l2, 0.0F, std::numeric_limits<float>::max());
  checks::image(where, src[0]);
  internal::check_groups(where, src[0][2], o.filters, o.groups);
  return internal::convolved_shape(where, problem(1, src[0]));
}

std::vector<ParameterSpec> Conv2D::parameters(std::span<const Shape> src) const {
  const Conv2DOptions& o = options_;
  return internal::weight_and_bias(o, {o.kernel.h, o.kernel.w, src[0][2] / o.groups, o.filters}, o.filters);
}

Index Conv2D::multiply_adds(std::span<const Shape> src) const { return problem(1, src[0]).multiply_adds(); }

std::shared_ptr<const Layer> Conv2D::with_bias_and(Activation activation) const {
  return internal::with_bias_and<Conv2D>(options_, activation);
}

std::unique_ptr<Operation> Conv2D::prepare(const PrepareContext& context) const {
  return internal::prepare_convolution(problem(context.batch, context.src[0]), options_.activation, context);
}

}  // namespace saccade
