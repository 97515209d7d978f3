#include "saccade/kernels/merge/multiply.h"

#include <array>
#include <memory>

#include "saccade/kernels/merge/multiply_reference.h"
#include "saccade/kernels/merge/multiply_simd.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceMultiply final : public MultiplyKernel {
 public:
  explicit ReferenceMultiply(const MultiplyProblem& problem) : problem_(problem) {}
  void run(const MultiplyBuffers& b) override {
    if (problem_.pass == Pass::forward) {
      reference::multiply_forward<float>(problem_, b.src, b.factor, b.dst);
    } else {
      reference::multiply_backward_data<float>(problem_, b.src, b.factor, b.grad_dst, b.grad_src, b.grad_factor);
    }
  }

 private:
  MultiplyProblem problem_;
};

std::unique_ptr<MultiplyKernel> make_reference(const MultiplyProblem& problem) {
  return std::make_unique<ReferenceMultiply>(problem);
}

constexpr std::array kMultiplyImplementations = {
    MultiplyImplementation{"simd", accept_all, simd::make_multiply},
    MultiplyImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string MultiplyProblem::id() const { return problem_id({{"n", n}, {"p", pixels}, {"c", c}}); }

std::span<const MultiplyImplementation> multiply_implementations() { return kMultiplyImplementations; }

}  // namespace saccade::kernels
