#include "saccade/kernels/softmax/softmax.h"

#include <array>
#include <memory>

#include "saccade/kernels/problem_id.h"
#include "saccade/kernels/softmax/onednn_softmax_internal.h"
#include "saccade/kernels/softmax/reference.h"
#include "saccade/kernels/softmax/softmax_simd.h"

namespace saccade::kernels {
namespace {

class ReferenceSoftmax final : public SoftmaxKernel {
 public:
  explicit ReferenceSoftmax(const SoftmaxProblem& problem) : problem_(problem) {}
  void run(const SoftmaxBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      reference::softmax_forward<float>(problem_, buffers.src, buffers.dst);
    } else {
      reference::softmax_backward_data<float>(problem_, buffers.dst_in, buffers.grad_dst, buffers.grad_src);
    }
  }

 private:
  SoftmaxProblem problem_;
};

std::unique_ptr<SoftmaxKernel> make_reference(const SoftmaxProblem& problem) {
  return std::make_unique<ReferenceSoftmax>(problem);
}

constexpr std::array kSoftmaxImplementations = {
    SoftmaxImplementation{"simd", accept_all, simd::make},
    SoftmaxImplementation{"onednn", onednn::decline_softmax, onednn::make_softmax},
    SoftmaxImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string SoftmaxProblem::id() const { return problem_id({{"r", rows}, {"c", classes}}) + (log ? "_log" : ""); }

std::span<const SoftmaxImplementation> softmax_implementations() { return kSoftmaxImplementations; }

}  // namespace saccade::kernels
