#include "saccade/nn/local_response_norm.h"

#include "saccade/base/error.h"
#include "saccade/kernels/norm/local_response_norm.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/kernel_pair_operation.h"

namespace saccade {

void LocalResponseNorm::visit(LocalResponseNormOptions& o, OptionVisitor& v) {
  v.visit("size", o.size);
  v.visit("alpha", o.alpha);
  v.visit("beta", o.beta);
  v.visit("bias", o.bias);
}

Shape LocalResponseNorm::infer(std::span<const Shape> src) const {
  constexpr float kMost = 1e6F;
  constexpr Index kMostChannels = 1'000'000;
  checks::positive(label(), "size", options_.size);
  checks::in_range(label(), "alpha", options_.alpha, 0.0F, kMost);
  checks::in_range(label(), "beta", options_.beta, 0.0F, kMost);
  checks::in_range(label(), "bias", options_.bias, 1e-6F, kMost);
  if (src[0].rank() == 0 || src[0].elements() == 0 || options_.size > kMostChannels) {
    throw ShapeError({.where = label(),
                      .expected = "at least one channel, and a window of at most 1000000",
                      .got = src[0].to_string() + " and " + std::to_string(options_.size),
                      .fix = "check the layer before it and .size"});
  }
  return src[0];
}

std::unique_ptr<Operation> LocalResponseNorm::prepare(const PrepareContext& context) const {
  const Index c = context.dst[-1];
  const kernels::LocalResponseNormProblem problem{.rows = context.batch * context.dst.elements() / c,
                                                  .c = c,
                                                  .size = options_.size,
                                                  .alpha = options_.alpha,
                                                  .beta = options_.beta,
                                                  .bias = options_.bias};
  return std::make_unique<KernelPairOperation<kernels::LocalResponseNormProblem, kernels::LocalResponseNormKernel>>(
      kernels::local_response_norm_implementations(), problem, context.runs_backward(), true);
}

}  // namespace saccade
