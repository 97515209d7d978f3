#include "saccade/kernels/pad2d/pad2d.h"
#include "saccade/kernels/pad2d/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::Pad2DBuffers;
using kernels::Pad2DProblem;

/// Operand src; result dst.
class Pad2DCase final : public CaseOf<Pad2DCase> {
 public:
  explicit Pad2DCase(const Pad2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "pad2d"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override { return {{"src", src_elements(), Gradient::data}}; }
  std::vector<Result> results() const override { return {{"dst", dst_elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return 4.0 * static_cast<double>(src_elements() + (pass == Pass::forward ? dst_elements() : src_elements()));
  }
  double rounding(Pass) const override { return 0.0; }
  std::vector<std::string_view> implementations() const override { return names_of(kernels::pad2d_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(
        kernels::pad2d_implementations(), problem_, passes(), implementation,
        [](Pass, const Views<float>& v, std::span<std::byte>) {
          return Pad2DBuffers{
              .src = v.operands[0], .grad_dst = v.grad_dst, .dst = v.results[0], .grad_src = v.gradients[0]};
        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::pad2d_forward<T>(problem_, v.operands[0], v.results[0]);
    } else {
      kernels::reference::pad2d_backward_data<T>(problem_, v.grad_dst, v.gradients[0]);
    }
  }

 private:
  Index src_elements() const { return problem_.n * problem_.ih * problem_.iw * problem_.c; }
  Index dst_elements() const { return problem_.n * problem_.oh() * problem_.ow() * problem_.oc(); }

  Pad2DProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_pad2d(std::string_view id) {
  Pad2DProblem p;
  IdReader reader("pad2d", id);
  reader.number("n", p.n);
  reader.number("ih", p.ih);
  reader.number("iw", p.iw);
  reader.number("c", p.c);
  read_pads(reader, p);
  reader.number("pf", p.pc.before, 0);
  reader.number("pk", p.pc.after, 0);
  reader.finish();
  reader.require_size({p.n, p.ih, p.iw, p.c});
  reader.require_size({p.ph.before, 1});
  reader.require_size({p.ph.after, 1});
  reader.require_size({p.pw.before, 1});
  reader.require_size({p.pw.after, 1});
  reader.require_size({p.pc.before, 1});
  reader.require_size({p.pc.after, 1});
  reader.require_size({p.n, p.oh(), p.ow(), p.oc()});
  return std::make_unique<Pad2DCase>(p);
}

}  // namespace saccade::proof
