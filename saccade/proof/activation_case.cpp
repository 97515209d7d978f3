#include <cmath>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/activation/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/fused_activation.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::ActivationBuffers;
using kernels::ActivationProblem;

/// Operand src; result dst.
class ActivationCase final : public CaseOf<ActivationCase> {
 public:
  explicit ActivationCase(const ActivationProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "activation"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override { return {{"dst", problem_.elements}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return (pass == Pass::forward ? 8.0 : 12.0) * static_cast<double>(problem_.elements);
  }
  bool exact(Pass) const override {
    return is_exact(problem_.activation) || problem_.activation == Activation::leaky_relu;
  }
  double rounding(Pass) const override { return 2.0 + rounding_of(problem_.activation); }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::activation_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::activation_implementations(), problem_, passes(), implementation,
                          [](Pass, const Views<float>& v, std::span<std::byte>) {
                            return ActivationBuffers{.src = v.operands[0],
                                                     .grad_dst = v.grad_dst,
                                                     .dst_in = v.results[0],
                                                     .dst = v.results[0],
                                                     .grad_src = v.gradients[0]};
                          });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::activation_forward<T>(problem_, v.operands[0], v.results[0]);
    } else {
      const bool from_src = gradient_needs_src(problem_.activation);
      kernels::reference::activation_backward_data<T>(problem_, from_src ? v.operands[0] : v.results[0], v.grad_dst,
                                                      v.gradients[0]);
    }
  }

 private:
  ActivationProblem problem_;
};

std::vector<Operand> ActivationCase::operands() const {
  // Across every kink, and never at one, where there is no derivative; integers stand on them.
  Domain domain{.low = -3.0, .high = 9.0, .kinks = {0.0, 1.0, 6.0}, .gap = 1e-3, .integer_low = -4, .integer_high = 9};
  if (problem_.activation == Activation::hard_sigmoid) {
    const double slope = problem_.hard_sigmoid_slope, offset = problem_.hard_sigmoid_offset;
    domain.kinks = {-offset / slope, (1.0 - offset) / slope};
    domain.low = -5.0;
  } else if (gradient_needs_src(problem_.activation)) {
    domain.kinks = {-3.0, 3.0};  // of hard_swish
    domain.low = -7.0;
  }
  return {{"src", problem_.elements, Gradient::data, domain}};
}

void ActivationCase::magnitude(Pass pass, const Views<double>& views) const {
  if (pass == Pass::forward) {
    compute(pass, views);
    // Where y is x times a gate, the gate is good to so many roundings of 1.
    const bool gated = gradient_needs_src(problem_.activation);
    for (std::size_t i = 0; i < views.results[0].size(); ++i) {
      views.results[0][i] = std::abs(gated ? views.operands[0][i] : views.results[0][i]);
    }
    add_range(problem_.activation, views.results[0]);
    return;
  }
  // No slope is far above 1, and where one is a small difference of large numbers its error is that of y, or of the
  // terms, which x multiplies.
  for (std::size_t i = 0; i < views.grad_dst.size(); ++i) {
    const double terms = gradient_needs_src(problem_.activation) ? 1.0 + std::abs(views.operands[0][i]) : 1.0;
    views.gradients[0][i] = terms * std::abs(views.grad_dst[i]);
  }
}

}  // namespace

std::unique_ptr<Case> parse_activation(std::string_view id) {
  ActivationProblem p{.elements = 1};
  IdReader reader("activation", id);
  reader.number("n", p.elements);
  p.activation = read_activation(reader);
  const auto read = [&reader](std::string_view name, float& value) {
    double number = value;
    reader.real(name, number);
    value = static_cast<float>(number);
  };
  read("s", p.activation == Activation::hard_sigmoid ? p.hard_sigmoid_slope : p.negative_slope);
  read("o", p.hard_sigmoid_offset);
  read("a", p.elu_alpha);
  reader.word("linear");
  reader.finish();
  reader.require_size({p.elements});
  return std::make_unique<ActivationCase>(p);
}

}  // namespace saccade::proof
