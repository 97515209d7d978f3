#include "saccade/kernels/norm/batch_norm.h"

#include <array>
#include <cmath>
#include <memory>

#include "saccade/kernels/norm/batch_norm_simd.h"
#include "saccade/kernels/norm/onednn_batch_norm_internal.h"
#include "saccade/kernels/norm/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

/// saved (training) and scratch (otherwise) hold [mean of c, inverse deviation of c] in double.
class ReferenceBatchNorm final : public BatchNormKernel {
 public:
  explicit ReferenceBatchNorm(const BatchNormProblem& problem) : problem_(problem) {}
  Index scratch_bytes() const override { return problem_.training ? 0 : statistics_bytes(); }
  Index saved_bytes() const override { return problem_.training ? statistics_bytes() : 0; }

  void forward(const BatchNormBuffers& buffers) override {
    reference::batch_norm_forward<float>(problem_, buffers.src, buffers.shortcut, buffers.gamma, buffers.beta,
                                         buffers.moving_mean, buffers.moving_variance, buffers.dst,
                                         statistics(buffers.saved));
  }

  void backward(const BatchNormBuffers& buffers) override {
    const std::size_t c = usize(problem_.c);
    std::span<double> used = statistics(problem_.training ? buffers.saved : buffers.scratch);
    if (!problem_.training) {
      for (std::size_t i = 0; i < c; ++i) {
        used[i] = buffers.moving_mean[i];
        used[c + i] = 1.0 / std::sqrt(static_cast<double>(buffers.moving_variance[i]) + problem_.epsilon);
      }
    }
    reference::batch_norm_backward<float>(problem_, buffers.src, buffers.gamma, buffers.beta, buffers.dst_in,
                                          buffers.grad_dst, used.first(c), used.last(c), buffers.grad_src,
                                          buffers.grad_shortcut, buffers.grad_gamma, buffers.grad_beta);
  }

 private:
  Index statistics_bytes() const { return 2 * problem_.c * isize(sizeof(double)); }
  static std::span<double> statistics(std::span<std::byte> bytes) {
    return {reinterpret_cast<double*>(bytes.data()), bytes.size() / sizeof(double)};
  }

  BatchNormProblem problem_;
};

std::unique_ptr<BatchNormKernel> make_reference(const BatchNormProblem& problem) {
  return std::make_unique<ReferenceBatchNorm>(problem);
}

constexpr std::array kBatchNormImplementations = {
    BatchNormImplementation{"simd", simd::decline_batch_norm, simd::make},
    BatchNormImplementation{"onednn", onednn::decline_batch_norm, onednn::make_batch_norm},
    BatchNormImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string BatchNormProblem::id() const {
  const std::string id =
      problem_id({{"r", rows}, {"c", c}}) + (training ? "" : "_frozen") + (residual ? "_residual" : "");
  return with_bias_and_activation(id, true, activation);
}

std::span<const BatchNormImplementation> batch_norm_implementations() { return kBatchNormImplementations; }

}  // namespace saccade::kernels
