#include "saccade/kernels/dropout/dropout.h"
#include "saccade/kernels/dropout/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::DropoutBuffers;
using kernels::DropoutProblem;

// One mask, by its address; every part of the address has more than one digit set.
constexpr std::uint64_t kSeed = 0x0123456789abcdef;
constexpr std::uint32_t kStep = 1234567;
constexpr std::uint32_t kSlot = 89;

/// Operand src; result dst. The mask is fixed, so the layer is linear.
class DropoutCase final : public CaseOf<DropoutCase> {
 public:
  explicit DropoutCase(const DropoutProblem& problem) : problem_(problem), keep_(usize(elements())) {
    kernels::reference::dropout_mask(problem_, kSeed, kStep, kSlot, keep_);
  }

  std::string_view operation() const override { return "dropout"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override { return {{"src", elements(), Gradient::data}}; }
  std::vector<Result> results() const override { return {{"dst", elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass) const override { return 8.0 * static_cast<double>(elements()); }
  double rounding(Pass) const override { return 2.0; }
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::dropout_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_twin(kernels::dropout_implementations(), problem_, implementation,
                        [](const Views<float>& v, std::span<std::byte>, std::span<std::byte> saved) {
                          return DropoutBuffers{.seed = kSeed,
                                                .step = kStep,
                                                .slot = kSlot,
                                                .src = v.operands[0],
                                                .grad_dst = v.grad_dst,
                                                .dst = v.results[0],
                                                .grad_src = v.gradients[0],
                                                .saved = saved};
                        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::dropout_apply<T>(problem_, keep_, v.operands[0], v.results[0]);
    } else {
      kernels::reference::dropout_apply<T>(problem_, keep_, v.grad_dst, v.gradients[0]);
    }
  }

 private:
  Index elements() const { return problem_.rows * problem_.elements; }

  DropoutProblem problem_;
  std::vector<std::byte> keep_;
};

}  // namespace

std::unique_ptr<Case> parse_dropout(std::string_view id) {
  DropoutProblem p;
  IdReader reader("dropout", id);
  reader.number("r", p.rows);
  reader.number("n", p.elements);
  double rate = p.rate;
  reader.real("p", rate);
  p.rate = static_cast<float>(rate);
  reader.finish();
  reader.require_size({p.rows, p.elements});
  if (!(p.rate >= 0.0F && p.rate < 1.0F)) reader.fail("p, the rate, to be at least 0 and below 1", "another");
  return std::make_unique<DropoutCase>(p);
}

}  // namespace saccade::proof
