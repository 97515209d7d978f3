#include <algorithm>
#include <cmath>

#include "saccade/kernels/axis_map/axis_map.h"
#include "saccade/kernels/axis_map/reference.h"
#include "saccade/kernels/problem_id.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::AxisMapBuffers;
using kernels::AxisMapProblem;

/// Output j has `taps` taps, from input (j * step) mod n on, of weights 1, 0.75, 0.5, ... (never 0); with `hole`, the
/// first output has none.
struct Taps {
  Index outputs = 1, taps = 1, step = 1;
  bool hole = false;
};

/// Operand src; result dst.
class AxisMapCase final : public CaseOf<AxisMapCase> {
 public:
  AxisMapCase(const Taps& taps, AxisMapProblem problem) : taps_(taps), problem_(std::move(problem)) {
    problem_.first = {0};
    for (Index j = 0; j < taps.outputs; ++j) {
      for (Index t = 0; t < taps.taps && !(taps.hole && j == 0); ++t) {
        const double weight = 1.0 - 0.25 * static_cast<double>(t % 7);
        problem_.taps.push_back({(j * taps.step + t) % problem_.in, weight == 0.0 ? 2.0 : weight});
      }
      problem_.first.push_back(isize(problem_.taps.size()));
    }
    problem_.fill = 1.5F;
  }

  std::string_view operation() const override { return "axis_map"; }
  std::string id() const override {
    const std::string id = kernels::problem_id({{"o", problem_.outer},
                                                {"n", problem_.in},
                                                {"i", problem_.inner},
                                                {"m", taps_.outputs},
                                                {"t", taps_.taps},
                                                {"s", taps_.step}});
    return taps_.hole ? id + "_hole" : id;
  }
  std::vector<Operand> operands() const override { return {{"src", src_elements(), Gradient::data}}; }
  std::vector<Result> results() const override { return {{"dst", dst_elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass) const override { return 4.0 * static_cast<double>(src_elements() + dst_elements()); }
  double rounding(Pass pass) const override {
    return static_cast<double>(pass == Pass::forward ? taps_.taps : isize(problem_.taps.size())) + 1.0;
  }
  /// Weights below zero, and a sum may be 0 where no term is.
  void magnitude(Pass pass, const Views<double>& views) const override {
    AxisMapCase positive = *this;
    for (kernels::AxisTap& tap : positive.problem_.taps) tap.weight = std::abs(tap.weight);
    positive.Case::magnitude(pass, views);
  }
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::axis_map_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(
        kernels::axis_map_implementations(), problem_, passes(), implementation,
        [](Pass, const Views<float>& v, std::span<std::byte>) {
          return AxisMapBuffers{
              .src = v.operands[0], .grad_dst = v.grad_dst, .dst = v.results[0], .grad_src = v.gradients[0]};
        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::axis_map_forward<T>(problem_, v.operands[0], v.results[0]);
    } else {
      kernels::reference::axis_map_backward_data<T>(problem_, v.grad_dst, v.gradients[0]);
    }
  }

 private:
  Index src_elements() const { return problem_.outer * problem_.in * problem_.inner; }
  Index dst_elements() const { return problem_.outer * problem_.out() * problem_.inner; }

  Taps taps_;
  AxisMapProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_axis_map(std::string_view id) {
  AxisMapProblem p;
  Taps taps;
  IdReader reader("axis_map", id);
  reader.number("o", p.outer);
  reader.number("n", p.in);
  reader.number("i", p.inner);
  reader.number("m", taps.outputs);
  reader.number("t", taps.taps);
  reader.number("s", taps.step);
  taps.hole = reader.word("hole");
  reader.finish();
  reader.require_size({p.outer, p.in, p.inner});
  reader.require_size({p.outer, taps.outputs, p.inner});
  reader.require_size({taps.outputs, taps.taps});
  reader.require_size({taps.outputs, taps.step});
  return std::make_unique<AxisMapCase>(taps, std::move(p));
}

}  // namespace saccade::proof
