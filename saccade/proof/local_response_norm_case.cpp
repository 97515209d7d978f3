#include <cmath>

#include "saccade/kernels/norm/local_response_norm.h"
#include "saccade/kernels/norm/local_response_norm_reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::LocalResponseNormBuffers;
using kernels::LocalResponseNormProblem;

/// Operand src; result dst.
class LocalResponseNormCase final : public CaseOf<LocalResponseNormCase> {
 public:
  explicit LocalResponseNormCase(const LocalResponseNormProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "local_response_norm"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override { return {{"src", elements(), Gradient::data}}; }
  std::vector<Result> results() const override { return {{"dst", elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return (pass == Pass::forward ? 8.0 : 12.0) * static_cast<double>(elements());
  }
  bool exact(Pass) const override { return false; }
  /// The sum, and the power by way of a logarithm, twice in the gradient.
  double rounding(Pass) const override { return static_cast<double>(2 * problem_.size) + 16.0; }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::local_response_norm_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::local_response_norm_implementations(), problem_, passes(), implementation,
                          [](Pass, const Views<float>& v, std::span<std::byte> scratch) {
                            return LocalResponseNormBuffers{.src = v.operands[0],
                                                            .grad_dst = v.grad_dst,
                                                            .dst = v.results[0],
                                                            .grad_src = v.gradients[0],
                                                            .scratch = scratch};
                          });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::local_response_norm_forward<T>(problem_, v.operands[0], v.results[0]);
    } else {
      kernels::reference::local_response_norm_backward_data<T>(problem_, v.operands[0], v.grad_dst, v.gradients[0]);
    }
  }

 private:
  Index elements() const { return problem_.rows * problem_.c; }

  LocalResponseNormProblem problem_;
};

void LocalResponseNormCase::magnitude(Pass pass, const Views<double>& v) const {
  const auto sizes_of = [](std::span<const double> values) {
    std::vector<double> sizes;
    for (const double value : values) sizes.push_back(std::abs(value));
    return sizes;
  };
  const std::vector<double> src = sizes_of(v.operands[0]);
  if (pass == Pass::forward)
    return kernels::reference::local_response_norm_forward<double>(problem_, src, v.results[0]);
  const std::vector<double> grad_dst = sizes_of(v.grad_dst);
  kernels::reference::local_response_norm_backward_data<double>(problem_, src, grad_dst, v.gradients[0], 1.0);
}

}  // namespace

std::unique_ptr<Case> parse_local_response_norm(std::string_view id) {
  LocalResponseNormProblem p;
  IdReader reader("local_response_norm", id);
  reader.number("r", p.rows);
  reader.number("c", p.c);
  reader.number("s", p.size);
  const auto read = [&reader](std::string_view name, float& value) {
    double number = value;
    reader.real(name, number);
    value = static_cast<float>(number);
  };
  read("a", p.alpha);
  read("b", p.beta);
  read("k", p.bias);
  reader.finish();
  reader.require_size({p.rows, p.c});
  reader.require_size({p.c, p.size});
  return std::make_unique<LocalResponseNormCase>(p);
}

}  // namespace saccade::proof
