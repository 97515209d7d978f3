#include "saccade/nn/up_sampling2d.h"

#include <fmt/format.h>

#include "saccade/base/error.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/kernel_pair_operation.h"

namespace saccade {

void UpSampling2D::visit(UpSampling2DOptions& o, OptionVisitor& v) {
  v.visit("size", o.size);
  std::string text = o.interpolation == UpSampling::nearest ? "nearest" : "bilinear";
  v.visit("interpolation", text);
  if (text != "nearest" && text != "bilinear") {
    throw ValueError({.where = "up_sampling2d: interpolation",
                      .expected = "nearest or bilinear",
                      .got = fmt::format("'{}'", text),
                      .fix = ""});
  }
  o.interpolation = text == "nearest" ? UpSampling::nearest : UpSampling::bilinear;
}

Shape UpSampling2D::infer(std::span<const Shape> src) const {
  checks::positive(label(), "size", options_.size);
  checks::image(label(), src[0]);
  return {src[0][0] * options_.size.h, src[0][1] * options_.size.w, src[0][2]};
}

std::unique_ptr<Operation> UpSampling2D::prepare(const PrepareContext& context) const {
  const Shape& src = context.src[0];
  const kernels::UpSample2DProblem problem{.kind = options_.interpolation,
                                           .n = context.batch,
                                           .ih = src[0],
                                           .iw = src[1],
                                           .c = src[2],
                                           .fh = options_.size.h,
                                           .fw = options_.size.w};
  return std::make_unique<KernelPairOperation<kernels::UpSample2DProblem, kernels::UpSample2DKernel>>(
      kernels::upsample2d_implementations(), problem, context.runs_backward(), false);
}

}  // namespace saccade
