#include "saccade/kernels/merge/multiply.h"
#include "saccade/kernels/merge/multiply_reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::MultiplyBuffers;
using kernels::MultiplyProblem;

/// Operands src and factor; result dst.
class MultiplyCase final : public CaseOf<MultiplyCase> {
 public:
  explicit MultiplyCase(const MultiplyProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "multiply"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    return {{"src", problem_.elements(), Gradient::data}, {"factor", problem_.n * problem_.c, Gradient::data}};
  }
  std::vector<Result> results() const override { return {{"dst", problem_.elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return (pass == Pass::forward ? 8.0 : 12.0) * static_cast<double>(problem_.elements());
  }
  double rounding(Pass pass) const override {
    return pass == Pass::forward ? 1.0 : static_cast<double>(problem_.pixels + 1);
  }
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::multiply_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::multiply_implementations(), problem_, passes(), implementation,
                          [](Pass, const Views<float>& v, std::span<std::byte> scratch) {
                            return MultiplyBuffers{.src = v.operands[0],
                                                   .factor = v.operands[1],
                                                   .grad_dst = v.grad_dst,
                                                   .dst = v.results[0],
                                                   .grad_src = v.gradients[0],
                                                   .grad_factor = v.gradients[1],
                                                   .scratch = scratch};
                          });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::multiply_forward<T>(problem_, v.operands[0], v.operands[1], v.results[0]);
    } else {
      kernels::reference::multiply_backward_data<T>(problem_, v.operands[0], v.operands[1], v.grad_dst, v.gradients[0],
                                                    v.gradients[1]);
    }
  }

 private:
  MultiplyProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_multiply(std::string_view id) {
  MultiplyProblem p;
  IdReader reader("multiply", id);
  reader.number("n", p.n);
  reader.number("p", p.pixels);
  reader.number("c", p.c);
  reader.finish();
  reader.require_size({p.n, p.pixels, p.c});
  return std::make_unique<MultiplyCase>(p);
}

}  // namespace saccade::proof
