#include "saccade/kernels/bias/bias.h"

#include <array>
#include <memory>

#include "saccade/kernels/bias/bias_simd.h"
#include "saccade/kernels/bias/onednn_bias_internal.h"
#include "saccade/kernels/bias/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceBias final : public BiasKernel {
 public:
  explicit ReferenceBias(const BiasProblem& problem) : problem_(problem) {}
  void run(const BiasBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      reference::bias_forward<float>(problem_, buffers.src, buffers.bias, buffers.dst);
    } else {
      reference::bias_backward_weights<float>(problem_, buffers.grad_dst, buffers.grad_bias);
    }
  }

 private:
  BiasProblem problem_;
};

std::unique_ptr<BiasKernel> make_reference(const BiasProblem& problem) {
  return std::make_unique<ReferenceBias>(problem);
}

constexpr std::array kBiasImplementations = {
    BiasImplementation{"simd", accept_all, simd::make},
    BiasImplementation{"onednn", onednn::decline_bias, onednn::make_bias},
    BiasImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string BiasProblem::id() const { return problem_id({{"r", rows}, {"c", c}}); }

std::span<const BiasImplementation> bias_implementations() { return kBiasImplementations; }

}  // namespace saccade::kernels
