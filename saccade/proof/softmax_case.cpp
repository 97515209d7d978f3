#include <cmath>

#include "saccade/kernels/softmax/reference.h"
#include "saccade/kernels/softmax/softmax.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::SoftmaxBuffers;
using kernels::SoftmaxProblem;

constexpr double kSoftmaxRange = 8.0;  // of the logits: e^16 between the largest and the smallest probability

/// Operand src; result dst.
class SoftmaxCase final : public CaseOf<SoftmaxCase> {
 public:
  explicit SoftmaxCase(const SoftmaxProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "softmax"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    return {{"src", elements(), Gradient::data, {.low = -kSoftmaxRange, .high = kSoftmaxRange}}};
  }
  std::vector<Result> results() const override { return {{"dst", elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return (pass == Pass::forward ? 8.0 : 12.0) * static_cast<double>(elements());
  }
  bool exact(Pass) const override { return false; }
  /// The sum of a row; exp's argument, off by a rounding of its size, and exp itself.
  double rounding(Pass) const override { return static_cast<double>(problem_.classes) + 2.0 * kSoftmaxRange + 4.0; }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::softmax_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::softmax_implementations(), problem_, passes(), implementation,
                          [](Pass, const Views<float>& v, std::span<std::byte>) {
                            return SoftmaxBuffers{.src = v.operands[0],
                                                  .grad_dst = v.grad_dst,
                                                  .dst_in = v.results[0],
                                                  .dst = v.results[0],
                                                  .grad_src = v.gradients[0]};
                          });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::softmax_forward<T>(problem_, v.operands[0], v.results[0]);
    } else {
      kernels::reference::softmax_backward_data<T>(problem_, v.results[0], v.grad_dst, v.gradients[0]);
    }
  }

 private:
  Index elements() const { return problem_.rows * problem_.classes; }

  SoftmaxProblem problem_;
};

void SoftmaxCase::magnitude(Pass pass, const Views<double>& views) const {
  if (pass == Pass::forward) {
    compute(pass, views);
    for (double& value : views.results[0]) value = std::abs(value) + (problem_.log ? 2.0 * kSoftmaxRange : 0.0);
    return;
  }
  const std::size_t classes = usize(problem_.classes);
  for (std::size_t first = 0; first < views.grad_dst.size(); first += classes) {
    double sum = 0.0;
    const auto share = [&](std::size_t i) {
      return problem_.log ? std::exp(views.results[0][i]) : views.results[0][i];
    };
    for (std::size_t i = first; i < first + classes; ++i) {
      sum += std::abs(views.grad_dst[i]) * (problem_.log ? 1.0 : share(i));
    }
    for (std::size_t i = first; i < first + classes; ++i) {
      const double own = std::abs(views.grad_dst[i]);
      views.gradients[0][i] = problem_.log ? own + share(i) * sum : share(i) * (own + sum);
    }
  }
}

}  // namespace

std::unique_ptr<Case> parse_softmax(std::string_view id) {
  SoftmaxProblem p;
  IdReader reader("softmax", id);
  reader.number("r", p.rows);
  reader.number("c", p.classes);
  p.log = reader.word("log");
  reader.finish();
  reader.require_size({p.rows, p.classes});
  return std::make_unique<SoftmaxCase>(p);
}

}  // namespace saccade::proof
