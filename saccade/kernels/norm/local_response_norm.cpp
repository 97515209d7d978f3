#include "saccade/kernels/norm/local_response_norm.h"

#include <array>
#include <memory>

#include "saccade/kernels/norm/local_response_norm_reference.h"
#include "saccade/kernels/norm/local_response_norm_simd.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceLocalResponseNorm final : public LocalResponseNormKernel {
 public:
  explicit ReferenceLocalResponseNorm(const LocalResponseNormProblem& problem) : problem_(problem) {}
  void run(const LocalResponseNormBuffers& b) override {
    if (problem_.pass == Pass::forward) {
      reference::local_response_norm_forward<float>(problem_, b.src, b.dst);
    } else {
      reference::local_response_norm_backward_data<float>(problem_, b.src, b.grad_dst, b.grad_src);
    }
  }

 private:
  LocalResponseNormProblem problem_;
};

std::unique_ptr<LocalResponseNormKernel> make_reference(const LocalResponseNormProblem& problem) {
  return std::make_unique<ReferenceLocalResponseNorm>(problem);
}

constexpr std::array kLocalResponseNormImplementations = {
    LocalResponseNormImplementation{"simd", accept_all, simd::make_local_response_norm},
    LocalResponseNormImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string LocalResponseNormProblem::id() const {
  return problem_id({{"r", rows}, {"c", c}, {"s", size}}) + problem_id("a", alpha) + problem_id("b", beta) +
         problem_id("k", bias);
}

std::span<const LocalResponseNormImplementation> local_response_norm_implementations() {
  return kLocalResponseNormImplementations;
}

}  // namespace saccade::kernels
