#include "saccade/kernels/bias/bias.h"
#include "saccade/kernels/bias/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::BiasBuffers;
using kernels::BiasProblem;

/// Operands src, bias; result dst. There is no backward_data: the gradient of src is grad_dst itself.
class BiasCase final : public CaseOf<BiasCase> {
 public:
  explicit BiasCase(const BiasProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "bias"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    return {{"src", elements()}, {"bias", problem_.c, Gradient::weights}};
  }
  std::vector<Result> results() const override { return {{"dst", elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_weights}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return (pass == Pass::forward ? 8.0 : 4.0) * static_cast<double>(elements());
  }
  /// The sums of the gradient are kept in double.
  double rounding(Pass) const override { return 1.0; }
  std::vector<std::string_view> implementations() const override { return names_of(kernels::bias_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::bias_implementations(), problem_, passes(), implementation,
                          [](Pass, const Views<float>& v, std::span<std::byte> scratch) {
                            return BiasBuffers{.src = v.operands[0],
                                               .bias = v.operands[1],
                                               .grad_dst = v.grad_dst,
                                               .dst = v.results[0],
                                               .grad_bias = v.gradients[1],
                                               .scratch = scratch};
                          });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::bias_forward<T>(problem_, v.operands[0], v.operands[1], v.results[0]);
    } else {
      kernels::reference::bias_backward_weights<T>(problem_, v.grad_dst, v.gradients[1]);
    }
  }

 private:
  Index elements() const { return problem_.rows * problem_.c; }

  BiasProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_bias(std::string_view id) {
  BiasProblem p;
  IdReader reader("bias", id);
  reader.number("r", p.rows);
  reader.number("c", p.c);
  reader.finish();
  reader.require_size({p.rows, p.c});
  return std::make_unique<BiasCase>(p);
}

}  // namespace saccade::proof
