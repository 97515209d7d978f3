#include "saccade/kernels/dense/dense.h"
#include "saccade/kernels/dense/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/fused_activation.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::DenseBuffers;
using kernels::DenseProblem;

/// Operands src, weight, bias; result dst. A case with an activation has the forward pass only: the backward passes take
/// the gradient before it.
class DenseCase final : public CaseOf<DenseCase> {
 public:
  explicit DenseCase(const DenseProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "dense"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override { return {{"dst", problem_.m * problem_.u}}; }
  std::vector<Pass> passes() const override;
  double flops(Pass) const override { return 2.0 * static_cast<double>(problem_.multiply_adds()); }
  double bytes(Pass) const override;
  bool exact(Pass) const override { return is_exact(problem_.activation); }
  double rounding(Pass pass) const override;
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override { return names_of(kernels::dense_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override;

  template <class T>
  void compute(Pass pass, const Views<T>& views) const;

 private:
  DenseProblem problem_;
};

std::vector<Operand> DenseCase::operands() const {
  const bool linear = problem_.activation == Activation::linear;
  const Gradient data = linear ? Gradient::data : Gradient::none;
  const Gradient weights = linear ? Gradient::weights : Gradient::none;
  std::vector<Operand> operands{{"src", problem_.m * problem_.k, data}, {"weight", problem_.k * problem_.u, weights}};
  if (problem_.bias) operands.push_back({"bias", problem_.u, weights});
  return operands;
}

std::vector<Pass> DenseCase::passes() const {
  if (problem_.activation != Activation::linear) return {Pass::forward};
  return {Pass::forward, Pass::backward_data, Pass::backward_weights};
}

double DenseCase::bytes(Pass) const {
  const DenseProblem& p = problem_;
  return 4.0 * static_cast<double>(p.m * p.k + p.k * p.u + p.m * p.u);
}

double DenseCase::rounding(Pass pass) const {
  switch (pass) {
    case Pass::forward:
      return static_cast<double>(problem_.k + 1) + rounding_of(problem_.activation);
    case Pass::backward_data:
      return static_cast<double>(problem_.u + 1);
    case Pass::backward_weights:
      return static_cast<double>(problem_.m + 1);
  }
  return 0.0;
}

void DenseCase::magnitude(Pass pass, const Views<double>& views) const {
  // Activations never lengthen a difference, so the error is that of the sum before them.
  DenseProblem linear = problem_;
  linear.activation = Activation::linear;
  DenseCase(linear).Case::magnitude(pass, views);
  add_range(problem_.activation, views.results[0]);
}

std::unique_ptr<Prepared> DenseCase::prepare(std::string_view implementation) const {
  return prepare_passes(kernels::dense_implementations(), problem_, passes(), implementation,
                        [bias = problem_.bias](Pass, const Views<float>& v, std::span<std::byte> scratch) {
                          return weighted_buffers<DenseBuffers>(v, bias, scratch);
                        });
}

template <class T>
void DenseCase::compute(Pass pass, const Views<T>& v) const {
  const DenseProblem& p = problem_;
  switch (pass) {
    case Pass::forward:
      return kernels::reference::dense_forward(p, v.operands[0].data(), v.operands[1].data(),
                                               p.bias ? v.operands[2].data() : nullptr, v.results[0].data());
    case Pass::backward_data:
      return kernels::reference::dense_backward_data(p, v.grad_dst.data(), v.operands[1].data(), v.gradients[0].data());
    case Pass::backward_weights:
      return kernels::reference::dense_backward_weights(
          p, v.operands[0].data(), v.grad_dst.data(), v.gradients[1].data(), p.bias ? v.gradients[2].data() : nullptr);
  }
}

}  // namespace

std::unique_ptr<Case> parse_dense(std::string_view id) {
  DenseProblem p;
  IdReader reader("dense", id);
  reader.number("m", p.m);
  reader.number("k", p.k);
  reader.number("u", p.u);
  p.bias = !reader.word("nobias");
  p.activation = read_activation(reader);
  reader.finish();
  reader.require_size({p.m, p.k});
  reader.require_size({p.k, p.u});
  reader.require_size({p.m, p.u});
  return std::make_unique<DenseCase>(p);
}

}  // namespace saccade::proof
