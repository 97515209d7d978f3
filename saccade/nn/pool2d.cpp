#include "saccade/nn/pool2d.h"

#include <fmt/format.h>

#include "saccade/base/error.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/twin_operation.h"

namespace saccade {
namespace {

kernels::Pool2DProblem problem(kernels::PoolKind kind, const Pool2DOptions& o, Index batch, const Shape& src,
                               bool training) {
  const Size2 strides = o.strides.value_or(o.pool);
  return {.kind = kind,
          .n = batch,
          .ih = src[0],
          .iw = src[1],
          .c = src[2],
          .kh = o.pool.h,
          .kw = o.pool.w,
          .sh = strides.h,
          .sw = strides.w,
          .dh = o.dilation.h,
          .dw = o.dilation.w,
          .ph = o.padding.rows(src[0], o.pool.h, strides.h, o.dilation.h),
          .pw = o.padding.columns(src[1], o.pool.w, strides.w, o.dilation.w),
          .training = training};
}

/// A window that lies wholly in the padding would have no pixel to pool.
void check_pads(const std::string& where, const Pool2DOptions& o, kernels::Pads rows, kernels::Pads columns) {
  if (std::max(rows.before, rows.after) < kernels::window_extent(o.pool.h, o.dilation.h) &&
      std::max(columns.before, columns.after) < kernels::window_extent(o.pool.w, o.dilation.w)) {
    return;
  }
  throw ValueError({.where = fmt::format("{}: padding", where),
                    .expected = fmt::format("fewer pixels than the {} window on each side", o.pool.to_string()),
                    .got = o.padding.to_string(),
                    .fix = "use same or valid"});
}

}  // namespace

void PoolLayer::visit(Pool2DOptions& o, OptionVisitor& v) {
  v.visit("pool", o.pool);
  v.visit("strides", o.strides);
  v.visit("padding", o.padding);
  v.visit("dilation", o.dilation);
}

Shape PoolLayer::infer(const std::string& where, const Pool2DOptions& o, const Shape& src) {
  checks::positive(where, "pool", o.pool);
  checks::positive(where, "strides", o.strides.value_or(o.pool));
  checks::positive(where, "dilation", o.dilation);
  checks::image(where, src);
  const kernels::Pool2DProblem p = problem(kernels::PoolKind::max, o, 1, src, false);
  check_pads(where, o, p.ph, p.pw);
  checks::window_fits(where, "height", p.ih, kernels::window_extent(p.kh, p.dh), p.ph);
  checks::window_fits(where, "width", p.iw, kernels::window_extent(p.kw, p.dw), p.pw);
  return {p.oh(), p.ow(), p.c};
}

std::unique_ptr<Operation> PoolLayer::prepare(kernels::PoolKind kind, const Pool2DOptions& options,
                                              const PrepareContext& context) {
  return std::make_unique<TwinOperation<kernels::Pool2DBuffers>>(
      choose(kernels::pool2d_implementations(),
             problem(kind, options, context.batch, context.src[0], context.runs_backward())));
}

Shape PoolLayer::infer_global(const std::string& where, const GlobalPool2DOptions& options, const Shape& src) {
  checks::image(where, src);
  return options.keepdims ? Shape{1, 1, src[2]} : Shape{src[2]};
}

std::unique_ptr<Operation> PoolLayer::prepare_global(kernels::PoolKind kind, const PrepareContext& context) {
  const Shape& src = context.src[0];
  return prepare(kind, {.pool = {src[0], src[1]}}, context);
}

}  // namespace saccade
