#include "saccade/kernels/dropout/dropout.h"

#include <array>
#include <memory>

#include "saccade/kernels/dropout/dropout_simd.h"
#include "saccade/kernels/dropout/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceDropout final : public DropoutKernel {
 public:
  explicit ReferenceDropout(const DropoutProblem& problem) : problem_(problem) {}
  Index saved_bytes() const override { return problem_.rows * problem_.elements; }
  void forward(const DropoutBuffers& buffers) override {
    reference::dropout_mask(problem_, buffers.seed, buffers.step, buffers.slot, buffers.saved);
    reference::dropout_apply<float>(problem_, buffers.saved, buffers.src, buffers.dst);
  }
  void backward(const DropoutBuffers& buffers) override {
    reference::dropout_apply<float>(problem_, buffers.saved, buffers.grad_dst, buffers.grad_src);
  }

 private:
  DropoutProblem problem_;
};

std::unique_ptr<DropoutKernel> make_reference(const DropoutProblem& problem) {
  return std::make_unique<ReferenceDropout>(problem);
}

constexpr std::array kDropoutImplementations = {
    DropoutImplementation{"simd", accept_all, simd::make},
    DropoutImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string DropoutProblem::id() const { return problem_id({{"r", rows}, {"n", elements}}) + problem_id("p", rate); }

std::span<const DropoutImplementation> dropout_implementations() { return kDropoutImplementations; }

}  // namespace saccade::kernels
