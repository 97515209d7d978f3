#include <fmt/format.h>

#include "saccade/base/error.h"
#include "saccade/kernels/conv2d_backward/conv2d_backward.h"
#include "saccade/nn/convolution_internal.h"
#include "saccade/nn/weighted_operation.h"

namespace saccade::internal {

void check_groups(const std::string& where, Index channels, Index filters, Index groups) {
  if (channels % groups == 0 && filters % groups == 0) return;
  throw ShapeError({.where = where,
                    .expected = fmt::format("input channels and filters that {} groups divide", groups),
                    .got = fmt::format("{} channels and {} filters", channels, filters),
                    .fix = "change .groups or .filters, or the previous layer's .filters"});
}

Shape convolved_shape(const std::string& where, const kernels::Conv2DProblem& p) {
  checks::window_fits(where, "height", p.ih, kernels::window_extent(p.kh, p.dh), p.ph);
  checks::window_fits(where, "width", p.iw, kernels::window_extent(p.kw, p.dw), p.pw);
  return {p.oh(), p.ow(), p.oc};
}

std::unique_ptr<Operation> prepare_convolution(kernels::Conv2DProblem p, Activation activation,
                                               const PrepareContext& context) {
  p.constant_weight = context.constant_parameters;
  return std::make_unique<WeightedOperation<kernels::Conv2DProblem, kernels::Conv2DKernel>>(
      kernels::conv2d_implementations(), p, activation, context, kernels::conv2d_backward_implementations());
}

}  // namespace saccade::internal
