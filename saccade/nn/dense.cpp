#include "saccade/nn/dense.h"

#include <limits>

#include "saccade/base/error.h"
#include "saccade/kernels/dense/dense.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/convolution_internal.h"
#include "saccade/nn/weighted_operation.h"

namespace saccade {

void Dense::visit(DenseOptions& o, OptionVisitor& v) {
  v.visit("units", o.units);
  v.visit("activation", o.activation);
  v.visit("use_bias", o.use_bias);
  v.visit("kernel_initializer", o.kernel_initializer);
  v.visit("bias_initializer", o.bias_initializer);
  v.visit("l2", o.l2);
}

Shape Dense::infer(std::span<const Shape> src) const {
  checks::positive(label(), "units", options_.units);
  checks::in_range(label(), "l2", options_.l2, 0.0F, std::numeric_limits<float>::max());
  if (src[0].rank() != 1 || src[0].elements() == 0) {
    throw ShapeError({.where = label(),
                      .expected = "one row of numbers an image, such as [400]",
                      .got = src[0].to_string(),
                      .fix = "put Flatten{} or GlobalAveragePool2D{} before it"});
  }
  return {options_.units};
}

std::vector<ParameterSpec> Dense::parameters(std::span<const Shape> src) const {
  return internal::weight_and_bias(options_, {src[0][0], options_.units}, options_.units);
}

Index Dense::multiply_adds(std::span<const Shape> src) const { return src[0][0] * options_.units; }

std::unique_ptr<Operation> Dense::prepare(const PrepareContext& context) const {
  const kernels::DenseProblem problem{.m = context.batch,
                                      .k = context.src[0][0],
                                      .u = options_.units,
                                      .bias = options_.use_bias,
                                      .rows_alike = !context.parameters[0]->learns()};
  using DenseOperation = WeightedOperation<kernels::DenseProblem, kernels::DenseKernel>;
  return std::make_unique<DenseOperation>(kernels::dense_implementations(), problem, options_.activation, context,
                                          DenseOperation::Implementations(), kernels::dense_update_implementations());
}

}  // namespace saccade
