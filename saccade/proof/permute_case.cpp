#include <algorithm>

#include "saccade/kernels/permute/permute.h"
#include "saccade/kernels/permute/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::PermuteBuffers;
using kernels::PermuteProblem;

/// Operand src; result dst.
class PermuteCase final : public CaseOf<PermuteCase> {
 public:
  explicit PermuteCase(PermuteProblem problem) : problem_(std::move(problem)) {}

  std::string_view operation() const override { return "permute"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override { return {{"src", problem_.elements(), Gradient::data}}; }
  std::vector<Result> results() const override { return {{"dst", problem_.elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass) const override { return 8.0 * static_cast<double>(problem_.elements()); }
  double rounding(Pass) const override { return 0.0; }
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::permute_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(
        kernels::permute_implementations(), problem_, passes(), implementation,
        [](Pass, const Views<float>& v, std::span<std::byte>) {
          return PermuteBuffers{
              .src = v.operands[0], .grad_dst = v.grad_dst, .dst = v.results[0], .grad_src = v.gradients[0]};
        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::permute_forward<T>(problem_, v.operands[0], v.results[0]);
    } else {
      kernels::reference::permute_backward_data<T>(problem_, v.grad_dst, v.gradients[0]);
    }
  }

 private:
  PermuteProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_permute(std::string_view id) {
  PermuteProblem p;
  IdReader reader("permute", id);
  p.extents = reader.numbers("e");
  p.order = reader.numbers("p", 0);
  reader.finish();
  Index elements = 1;
  for (const Index extent : p.extents) {
    reader.require_size({elements, extent});
    elements *= extent;
  }
  std::vector<Index> sorted = p.order;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < std::max(sorted.size(), p.extents.size()); ++i) {
    if (sorted.size() == p.extents.size() && sorted[i] == isize(i)) continue;
    reader.fail("p with the number of each axis, once", std::string(id));
  }
  return std::make_unique<PermuteCase>(std::move(p));
}

}  // namespace saccade::proof
