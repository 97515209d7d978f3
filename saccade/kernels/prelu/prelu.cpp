#include "saccade/kernels/prelu/prelu.h"

#include <array>
#include <memory>

#include "saccade/kernels/prelu/prelu_simd.h"
#include "saccade/kernels/prelu/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferencePRelu final : public PReluKernel {
 public:
  explicit ReferencePRelu(const PReluProblem& problem) : problem_(problem) {}
  void run(const PReluBuffers& b) override {
    switch (problem_.pass) {
      case Pass::forward:
        return reference::prelu_forward<float>(problem_, b.src, b.alpha, b.dst);
      case Pass::backward_data:
        return reference::prelu_backward_data<float>(problem_, b.src, b.alpha, b.grad_dst, b.grad_src);
      case Pass::backward_weights:
        return reference::prelu_backward_weights<float>(problem_, b.src, b.grad_dst, b.grad_alpha);
    }
  }

 private:
  PReluProblem problem_;
};

std::unique_ptr<PReluKernel> make_reference(const PReluProblem& problem) {
  return std::make_unique<ReferencePRelu>(problem);
}

constexpr std::array kPReluImplementations = {
    PReluImplementation{"simd", accept_all, simd::make_prelu},
    PReluImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string PReluProblem::id() const { return problem_id({{"r", rows}, {"c", c}}); }

std::span<const PReluImplementation> prelu_implementations() { return kPReluImplementations; }

}  // namespace saccade::kernels
