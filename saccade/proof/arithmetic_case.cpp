#include <algorithm>
#include <cmath>

#include "saccade/kernels/arithmetic/arithmetic.h"
#include "saccade/kernels/arithmetic/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::ArithmeticBuffers;
using kernels::ArithmeticKind;
using kernels::ArithmeticProblem;

Index product(const std::vector<Index>& extents) {
  Index elements = 1;
  for (const Index extent : extents) elements *= extent;
  return elements;
}

/// Operands a and b; result dst.
class ArithmeticCase final : public CaseOf<ArithmeticCase> {
 public:
  explicit ArithmeticCase(ArithmeticProblem problem) : problem_(std::move(problem)) {}

  std::string_view operation() const override { return "arithmetic"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    Domain divisor;
    if (problem_.kind == ArithmeticKind::divide) divisor = {.low = 0.5, .high = 2.0, .integer_low = 1};
    return {{"a", product(problem_.a), Gradient::data}, {"b", product(problem_.b), Gradient::data, divisor}};
  }
  std::vector<Result> results() const override { return {{"dst", product(problem_.dst())}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    const Index both = product(problem_.a) + product(problem_.b), dst = product(problem_.dst());
    return 4.0 * static_cast<double>(pass == Pass::forward ? both + dst : 2 * both + dst);
  }
  bool exact(Pass) const override { return problem_.kind != ArithmeticKind::divide; }
  double rounding(Pass pass) const override {
    return pass == Pass::forward ? 1.0 : static_cast<double>(product(problem_.dst())) + 4.0;
  }
  /// Of sums of absolute values, whatever their signs.
  void magnitude(Pass pass, const Views<double>& views) const override {
    ArithmeticCase positive = *this;
    if (problem_.kind == ArithmeticKind::subtract) positive.problem_.kind = ArithmeticKind::add;
    positive.Case::magnitude(pass, views);
    for (const std::span<double> values : pass == Pass::forward ? views.results : views.gradients) {
      for (double& value : values) value = std::abs(value);
    }
  }
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::arithmetic_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::arithmetic_implementations(), problem_, passes(), implementation,
                          [](Pass, const Views<float>& v, std::span<std::byte>) {
                            return ArithmeticBuffers{.a = v.operands[0],
                                                     .b = v.operands[1],
                                                     .grad_dst = v.grad_dst,
                                                     .dst = v.results[0],
                                                     .grad_a = v.gradients[0],
                                                     .grad_b = v.gradients[1]};
                          });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::arithmetic_forward<T>(problem_, v.operands[0], v.operands[1], v.results[0]);
    } else {
      kernels::reference::arithmetic_backward_data<T>(problem_, v.operands[0], v.operands[1], v.grad_dst,
                                                      v.gradients[0], v.gradients[1]);
    }
  }

 private:
  ArithmeticProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_arithmetic(std::string_view id) {
  ArithmeticProblem p;
  IdReader reader("arithmetic", id);
  p.a = reader.numbers("a");
  p.b = reader.numbers("b");
  for (const ArithmeticKind kind : {ArithmeticKind::subtract, ArithmeticKind::multiply, ArithmeticKind::divide}) {
    if (reader.word(name_of(kind))) p.kind = kind;
  }
  reader.word("add");
  reader.finish();
  if (p.a.size() != p.b.size()) reader.fail("as many a as b", std::string(id));
  Index elements = 1;
  for (std::size_t i = 0; i < p.a.size(); ++i) {
    if (p.a[i] != p.b[i] && p.a[i] != 1 && p.b[i] != 1) reader.fail("extents that are equal or 1", std::string(id));
    const Index extent = std::max(p.a[i], p.b[i]);
    reader.require_size({elements, extent});
    elements *= extent;
  }
  return std::make_unique<ArithmeticCase>(std::move(p));
}

}  // namespace saccade::proof
