#include "saccade/nn/zero_padding2d.h"

#include <fmt/format.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/kernels/pad2d/pad2d.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/twin_operation.h"

namespace saccade {
namespace {

class ZeroPaddingOperation final : public Operation {
 public:
  ZeroPaddingOperation(kernels::Pad2DProblem problem, bool training)
      : forward_(choose(kernels::pad2d_implementations(), problem)) {
    problem.pass = kernels::Pass::backward_data;
    if (training) backward_ = choose(kernels::pad2d_implementations(), problem);
  }

  OperationMemory memory() const override { return {}; }
  void forward(const ForwardBuffers& b) override { forward_.kernel->run({.src = b.src[0], .dst = b.dst}); }
  void backward(const BackwardBuffers& b) override {
    if (!b.grad_src[0].empty()) backward_.kernel->run({.grad_dst = b.grad_dst, .grad_src = b.grad_src[0]});
  }
  std::vector<Part> explain() const override {
    std::vector<Part> parts = explain_one("forward", forward_.explanation);
    if (backward_.kernel) parts.push_back({"backward_data", backward_.explanation});
    return parts;
  }

 private:
  kernels::Choice<kernels::Pad2DKernel> forward_, backward_;
};

kernels::Pad2DProblem problem(const ZeroPadding2DOptions& o, Index batch, const Shape& src) {
  return {.n = batch,
          .ih = src[0],
          .iw = src[1],
          .c = src[2],
          .ph = o.padding.rows(src[0], 1, 1, 1),
          .pw = o.padding.columns(src[1], 1, 1, 1),
          .pc = {o.channels_before, o.channels_after}};
}

}  // namespace

Shape ZeroPadding2D::infer(std::span<const Shape> src) const {
  checks::image(label(), src[0]);
  if (options_.padding.kind() != Padding::Kind::explicit_) {
    throw ValueError({.where = fmt::format("{}: padding", label()),
                      .expected = "pads(top, bottom, left, right)",
                      .got = options_.padding.to_string(),
                      .fix = "say how many pixels go on each side"});
  }
  const auto [least, most] = std::minmax(options_.channels_before, options_.channels_after);
  if (least < 0 || most > checks::kMost) {
    throw ValueError({.where = fmt::format("{}: channels", label()),
                      .expected = fmt::format("0 to {} before and after", checks::kMost),
                      .got = fmt::format("{} and {}", options_.channels_before, options_.channels_after),
                      .fix = "a 1x1 Conv2D takes channels away"});
  }
  const kernels::Pad2DProblem p = problem(options_, 1, src[0]);
  return {p.oh(), p.ow(), p.oc()};
}

std::unique_ptr<Operation> ZeroPadding2D::prepare(const PrepareContext& context) const {
  return std::make_unique<ZeroPaddingOperation>(problem(options_, context.batch, context.src[0]),
                                                context.runs_backward());
}

}  // namespace saccade
