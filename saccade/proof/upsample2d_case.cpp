#include <algorithm>

#include "saccade/kernels/upsample2d/reference.h"
#include "saccade/kernels/upsample2d/upsample2d.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::UpSample2DBuffers;
using kernels::UpSample2DProblem;
using kernels::UpSampling;

/// Operand src; result dst.
class UpSample2DCase final : public CaseOf<UpSample2DCase> {
 public:
  explicit UpSample2DCase(const UpSample2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "upsample2d"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override { return {{"src", src_elements(), Gradient::data}}; }
  std::vector<Result> results() const override { return {{"dst", dst_elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass) const override { return 4.0 * static_cast<double>(src_elements() + dst_elements()); }
  /// Weights of bilinear up-sampling are fractions of twice the factor.
  bool exact(Pass) const override {
    const auto power_of_two = [](Index f) { return (f & (f - 1)) == 0; };
    return problem_.kind == UpSampling::nearest || (power_of_two(problem_.fh) && power_of_two(problem_.fw));
  }
  double rounding(Pass pass) const override {
    const double uses = static_cast<double>(9 * problem_.fh * problem_.fw);
    return (problem_.kind == UpSampling::nearest ? 0.0 : 8.0) + (pass == Pass::forward ? 0.0 : uses);
  }
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::upsample2d_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(
        kernels::upsample2d_implementations(), problem_, passes(), implementation,
        [](Pass, const Views<float>& v, std::span<std::byte>) {
          return UpSample2DBuffers{
              .src = v.operands[0], .grad_dst = v.grad_dst, .dst = v.results[0], .grad_src = v.gradients[0]};
        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::upsample2d_forward<T>(problem_, v.operands[0], v.results[0]);
    } else {
      kernels::reference::upsample2d_backward_data<T>(problem_, v.grad_dst, v.gradients[0]);
    }
  }

 private:
  Index src_elements() const { return problem_.n * problem_.ih * problem_.iw * problem_.c; }
  Index dst_elements() const { return src_elements() * problem_.fh * problem_.fw; }

  UpSample2DProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_upsample2d(std::string_view id) {
  UpSample2DProblem p;
  IdReader reader("upsample2d", id);
  reader.number("n", p.n);
  reader.number("ih", p.ih);
  reader.number("iw", p.iw);
  reader.number("c", p.c);
  reader.number("fh", p.fh);
  reader.number("fw", p.fw);
  if (reader.word("bilinear")) {
    p.kind = UpSampling::bilinear;
  } else {
    reader.word("nearest");
  }
  reader.finish();
  reader.require_size({p.n, p.ih, p.fh, p.iw, p.fw, p.c});
  return std::make_unique<UpSample2DCase>(p);
}

}  // namespace saccade::proof
