#include "saccade/kernels/arithmetic/arithmetic.h"

#include <algorithm>
#include <array>
#include <memory>

#include "saccade/kernels/arithmetic/arithmetic_rows.h"
#include "saccade/kernels/arithmetic/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceArithmetic final : public ArithmeticKernel {
 public:
  explicit ReferenceArithmetic(const ArithmeticProblem& problem) : problem_(problem) {}
  void run(const ArithmeticBuffers& b) override {
    if (problem_.pass == Pass::forward) {
      reference::arithmetic_forward<float>(problem_, b.a, b.b, b.dst);
    } else {
      reference::arithmetic_backward_data<float>(problem_, b.a, b.b, b.grad_dst, b.grad_a, b.grad_b);
    }
  }

 private:
  ArithmeticProblem problem_;
};

std::unique_ptr<ArithmeticKernel> make_reference(const ArithmeticProblem& problem) {
  return std::make_unique<ReferenceArithmetic>(problem);
}

constexpr std::array kArithmeticImplementations = {
    ArithmeticImplementation{"rows", accept_all, rows::make_arithmetic},
    ArithmeticImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string_view name_of(ArithmeticKind kind) noexcept {
  switch (kind) {
    case ArithmeticKind::add:
      return "add";
    case ArithmeticKind::subtract:
      return "subtract";
    case ArithmeticKind::multiply:
      return "multiply";
    case ArithmeticKind::divide:
      break;
  }
  return "divide";
}

std::vector<Index> ArithmeticProblem::dst() const {
  std::vector<Index> extents(a.size());
  std::ranges::transform(a, b, extents.begin(), [](Index x, Index y) { return x == 1 ? y : x; });
  return extents;
}

std::string ArithmeticProblem::id() const {
  std::string id;
  for (const Index extent : a) id += problem_id({{"a", extent}});
  for (const Index extent : b) id += problem_id({{"b", extent}});
  return id.append("_").append(name_of(kind));
}

std::span<const ArithmeticImplementation> arithmetic_implementations() { return kArithmeticImplementations; }

}  // namespace saccade::kernels
