#include <numeric>

#include "saccade/kernels/merge/merge.h"
#include "saccade/kernels/merge/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::AddBuffers;
using kernels::AddProblem;
using kernels::ConcatBuffers;
using kernels::ConcatProblem;

std::string numbered(Index k) { return std::string("src").append(std::to_string(k)); }

/// The kernel of an addition, which has one pass.
class PreparedAdd final : public Prepared {
 public:
  PreparedAdd(const AddProblem& problem, std::string_view name)
      : found_(find_kernel(kernels::add_implementations(), problem, name)) {}

  std::string declined(Pass) const override { return found_.declined; }
  void run(Pass, const Views<float>& v, std::span<std::byte>, std::span<std::byte>) override {
    found_.kernel->run({.src = v.operands, .dst = v.results[0]});
  }

 private:
  Found<kernels::AddKernel> found_;
};

/// Operands src0, src1, ...; result dst. There is no backward pass: the gradient of each operand is grad_dst itself.
class AddCase final : public CaseOf<AddCase> {
 public:
  explicit AddCase(const AddProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "add"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    std::vector<Operand> operands;
    for (Index k = 0; k < problem_.inputs; ++k) operands.push_back({numbered(k), problem_.elements});
    return operands;
  }
  std::vector<Result> results() const override { return {{"dst", problem_.elements}}; }
  std::vector<Pass> passes() const override { return {Pass::forward}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass) const override { return 4.0 * static_cast<double>((problem_.inputs + 1) * problem_.elements); }
  double rounding(Pass) const override { return static_cast<double>(problem_.inputs - 1); }
  std::vector<std::string_view> implementations() const override { return names_of(kernels::add_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return std::make_unique<PreparedAdd>(problem_, implementation);
  }

  template <class T>
  void compute(Pass, const Views<T>& v) const {
    kernels::reference::add<T>(problem_, v.operands, v.results[0]);
  }

 private:
  AddProblem problem_;
};

/// Operands src0, src1, ...; result dst.
class ConcatCase final : public CaseOf<ConcatCase> {
 public:
  explicit ConcatCase(const ConcatProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "concat"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    std::vector<Operand> operands;
    for (const Index c : problem_.channels) {
      operands.push_back({numbered(isize(operands.size())), problem_.rows * c, Gradient::data});
    }
    return operands;
  }
  std::vector<Result> results() const override { return {{"dst", elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass) const override { return 8.0 * static_cast<double>(elements()); }
  double rounding(Pass) const override { return 0.0; }
  std::vector<std::string_view> implementations() const override { return names_of(kernels::concat_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(
        kernels::concat_implementations(), problem_, passes(), implementation,
        [](Pass, const Views<float>& v, std::span<std::byte>) {
          return ConcatBuffers{.src = v.operands, .dst = v.results[0], .grad_dst = v.grad_dst, .grad_src = v.gradients};
        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    if (pass == Pass::forward) {
      kernels::reference::concat_forward<T>(problem_, v.operands, v.results[0]);
    } else {
      kernels::reference::concat_backward_data<T>(problem_, v.grad_dst, v.gradients);
    }
  }

 private:
  Index elements() const {
    return problem_.rows * std::accumulate(problem_.channels.begin(), problem_.channels.end(), Index{0});
  }

  ConcatProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_add(std::string_view id) {
  AddProblem p;
  IdReader reader("add", id);
  reader.number("i", p.inputs);
  reader.number("n", p.elements);
  reader.finish();
  reader.require_size({p.inputs, p.elements});
  return std::make_unique<AddCase>(p);
}

std::unique_ptr<Case> parse_concat(std::string_view id) {
  ConcatProblem p;
  IdReader reader("concat", id);
  reader.number("r", p.rows);
  p.channels = reader.numbers("c");
  reader.finish();
  if (p.channels.empty()) reader.fail("the channels of each input, such as r8c3c5", "none");
  Index row = 0;
  for (const Index c : p.channels) {
    reader.require_size({p.rows, c});
    row += c;
    reader.require_size({p.rows, row});
  }
  return std::make_unique<ConcatCase>(p);
}

}  // namespace saccade::proof
