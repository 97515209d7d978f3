#include <numeric>

#include "saccade/kernels/pool2d/pool2d.h"
#include "saccade/kernels/pool2d/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::Pool2DBuffers;
using kernels::Pool2DProblem;
using kernels::PoolKind;

/// Operand src; result dst.
class Pool2DCase final : public CaseOf<Pool2DCase> {
 public:
  explicit Pool2DCase(const Pool2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "pool2d"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override { return {{"dst", problem_.dst_elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  Domain grad_dst_domain() const override;
  double flops(Pass) const override { return static_cast<double>(problem_.dst_elements() * problem_.kh * problem_.kw); }
  double bytes(Pass) const override {
    return 4.0 * static_cast<double>(problem_.src_elements() + problem_.dst_elements());
  }
  bool exact(Pass pass) const override { return pass == Pass::forward || common_multiple() != 0; }
  /// The additions of a window (or of the windows that overlap), and a division.
  double rounding(Pass) const override { return static_cast<double>(problem_.kh * problem_.kw + 1); }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override { return names_of(kernels::pool2d_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_twin(kernels::pool2d_implementations(), problem_, implementation,
                        [](const Views<float>& v, std::span<std::byte> scratch, std::span<std::byte> saved) {
                          return Pool2DBuffers{.src = v.operands[0],
                                               .grad_dst = v.grad_dst,
                                               .dst = v.results[0],
                                               .grad_src = v.gradients[0],
                                               .saved = saved,
                                               .scratch = scratch};
                        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::pool2d_forward(problem_, v.operands[0].data(), v.results[0].data());
    } else {
      kernels::reference::pool2d_backward(problem_, v.operands[0].data(), v.grad_dst.data(), v.gradients[0].data());
    }
  }

 private:
  /// A number that every count of real pixels divides, so that shares of it are whole; 0 when the smallest is too large.
  std::int32_t common_multiple() const;

  Pool2DProblem problem_;
};

std::vector<Operand> Pool2DCase::operands() const {
  Domain domain;
  domain.distinct = problem_.kind == PoolKind::max;  // a maximum that is tied has no derivative
  return {{"src", problem_.src_elements(), Gradient::data, domain}};
}

std::int32_t Pool2DCase::common_multiple() const {
  if (problem_.kind == PoolKind::max) return 1;
  constexpr Index kMost = 100'000;  // times 4 and a window's overlaps it must stay exact in float
  Index multiple = 1;
  for (Index y = 0; y < problem_.oh(); ++y) {
    for (Index x = 0; x < problem_.ow(); ++x) {
      multiple = std::lcm(multiple, kernels::reference::count_pixels(problem_, y, x));
      if (multiple == 0 || multiple > kMost) return 0;
    }
  }
  return static_cast<std::int32_t>(multiple);
}

Domain Pool2DCase::grad_dst_domain() const {
  Domain domain;
  if (const std::int32_t multiple = common_multiple(); multiple != 0) domain.integer_step = multiple;
  return domain;
}

void Pool2DCase::magnitude(Pass pass, const Views<double>& views) const {
  // Max pooling chooses by sign, so the values must be the real ones; then the gradient's magnitude is that of |grad_dst|.
  if (problem_.kind == PoolKind::average) return Case::magnitude(pass, views);
  std::vector<double> grad_dst(views.grad_dst.begin(), views.grad_dst.end());
  for (double& value : grad_dst) value = std::abs(value);
  Views<double> positive = views;
  positive.grad_dst = grad_dst;
  compute(pass, positive);
  if (pass != Pass::forward) return;
  for (double& value : views.results[0]) value = std::abs(value);
}

}  // namespace

std::unique_ptr<Case> parse_pool2d(std::string_view id) {
  Pool2DProblem p;
  IdReader reader("pool2d", id);
  reader.number("n", p.n);
  reader.number("ih", p.ih);
  reader.number("iw", p.iw);
  reader.number("c", p.c);
  reader.number("kh", p.kh);
  reader.number("kw", p.kw);
  p.sh = p.kh;
  p.sw = p.kw;
  reader.number("sh", p.sh);
  reader.number("sw", p.sw);
  reader.number("dh", p.dh);
  reader.number("dw", p.dw);
  read_pads(reader, p);
  if (reader.word("average")) {
    p.kind = PoolKind::average;
  } else if (!reader.word("max")) {
    reader.fail("_max or _average", "neither");
  }
  reader.require_size({p.n, p.ih, p.iw, p.c});
  reader.require_size({p.kh, p.kw});
  reader.require_size({p.kh, p.dh, p.kw, p.dw});
  for (const Index number : {p.sh, p.sw, p.ph.before, p.ph.after, p.pw.before, p.pw.after}) {
    reader.require_size({number});
  }
  if (reader.word("same")) {
    p.ph = kernels::same_pads(p.ih, p.kh, p.sh, p.dh);
    p.pw = kernels::same_pads(p.iw, p.kw, p.sw, p.dw);
  }
  reader.finish();
  if (p.oh() == 0 || p.ow() == 0) reader.fail("a window that fits into the padded image", "one that is larger");
  reader.require_size({p.n, p.oh(), p.ow(), p.c});
  return std::make_unique<Pool2DCase>(p);
}

}  // namespace saccade::proof
