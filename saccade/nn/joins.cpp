#include "saccade/nn/conv2d.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/joins_internal.h"

namespace saccade::internal {

Joins find_joins(const JoinScope& scope) {
  Joins joins(scope.model.nodes().size());
  join_pools(scope, joins);
  join_convolutions(scope, joins);
  join_normed_convolutions(scope, joins);
  join_norms(scope, joins);
  return joins;
}

std::optional<kernels::Conv2DProblem> convolution_of(const Layer& layer, const Shape& src) {
  std::optional<kernels::Conv2DProblem> problem;
  if (const auto* conv = dynamic_cast<const Conv2D*>(&layer)) problem = conv->problem(1, src);
  if (const auto* conv = dynamic_cast<const DepthwiseConv2D*>(&layer)) problem = conv->problem(1, src);
  if (problem) problem->activation = layer.activation();
  return problem;
}

}  // namespace saccade::internal
