#include <cmath>

#include "saccade/kernels/prelu/prelu.h"
#include "saccade/kernels/prelu/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::PReluBuffers;
using kernels::PReluProblem;

/// Operands src and alpha; result dst.
class PReluCase final : public CaseOf<PReluCase> {
 public:
  explicit PReluCase(const PReluProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "prelu"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    return {{"src", elements(), Gradient::data, {.kinks = {0.0}, .gap = 1e-3}},
            {"alpha", problem_.c, Gradient::weights}};
  }
  std::vector<Result> results() const override { return {{"dst", elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data, Pass::backward_weights}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return (pass == Pass::backward_data ? 12.0 : 8.0) * static_cast<double>(elements());
  }
  /// Sums are kept in double.
  double rounding(Pass) const override { return 2.0; }
  void magnitude(Pass pass, const Views<double>& v) const override {
    // Where the reference branches, the signs of src stay; everything else is at least as large as any term.
    for (std::size_t i = 0; i < usize(elements()); ++i) {
      const double alpha = 1.0 + std::abs(v.operands[1][i % usize(problem_.c)]);
      if (pass == Pass::forward) v.results[0][i] = alpha * std::abs(v.operands[0][i]);
      if (pass == Pass::backward_data) v.gradients[0][i] = alpha * std::abs(v.grad_dst[i]);
      if (pass == Pass::backward_weights) {
        v.gradients[1][i % usize(problem_.c)] += std::abs(v.operands[0][i] * v.grad_dst[i]);
      }
    }
  }
  std::vector<std::string_view> implementations() const override { return names_of(kernels::prelu_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::prelu_implementations(), problem_, passes(), implementation,
                          [](Pass, const Views<float>& v, std::span<std::byte> scratch) {
                            return PReluBuffers{.src = v.operands[0],
                                                .alpha = v.operands[1],
                                                .grad_dst = v.grad_dst,
                                                .dst = v.results[0],
                                                .grad_src = v.gradients[0],
                                                .grad_alpha = v.gradients[1],
                                                .scratch = scratch};
                          });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    switch (pass) {
      case Pass::forward:
        return kernels::reference::prelu_forward<T>(problem_, v.operands[0], v.operands[1], v.results[0]);
      case Pass::backward_data:
        return kernels::reference::prelu_backward_data<T>(problem_, v.operands[0], v.operands[1], v.grad_dst,
                                                          v.gradients[0]);
      case Pass::backward_weights:
        return kernels::reference::prelu_backward_weights<T>(problem_, v.operands[0], v.grad_dst, v.gradients[1]);
    }
  }

 private:
  Index elements() const { return problem_.rows * problem_.c; }

  PReluProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_prelu(std::string_view id) {
  PReluProblem p;
  IdReader reader("prelu", id);
  reader.number("r", p.rows);
  reader.number("c", p.c);
  reader.finish();
  reader.require_size({p.rows, p.c});
  return std::make_unique<PReluCase>(p);
}

}  // namespace saccade::proof
