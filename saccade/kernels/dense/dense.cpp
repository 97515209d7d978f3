#include "saccade/kernels/dense/dense.h"

#include <array>
#include <memory>

#include "saccade/kernels/dense/block_dense.h"
#include "saccade/kernels/dense/dense_update.h"
#include "saccade/kernels/dense/onednn_dense_internal.h"
#include "saccade/kernels/dense/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceDense final : public DenseKernel {
 public:
  explicit ReferenceDense(const DenseProblem& problem) : problem_(problem) {}

  void run(const DenseBuffers& b) override {
    switch (problem_.pass) {
      case Pass::forward:
        return reference::dense_forward(problem_, b.src.data(), b.weight.data(), b.bias.data(), b.dst.data());
      case Pass::backward_data:
        return reference::dense_backward_data(problem_, b.grad_dst.data(), b.weight.data(), b.grad_src.data());
      case Pass::backward_weights:
        return reference::dense_backward_weights(problem_, b.src.data(), b.grad_dst.data(), b.grad_weight.data(),
                                                 b.grad_bias.data());
    }
  }

 private:
  DenseProblem problem_;
};

std::unique_ptr<DenseKernel> make_reference(const DenseProblem& problem) {
  return std::make_unique<ReferenceDense>(problem);
}

constexpr std::array<DenseImplementation, 1> kDenseUpdateImplementations{
    {{"blocks", decline_dense_update, make_dense_update}}};

constexpr std::array<DenseImplementation, 3> kDenseImplementations{{
    {"blocks", decline_block_dense, make_block_dense},
    {"onednn", onednn::decline_dense, onednn::make_dense},
    {"reference", accept_all<DenseProblem>, make_reference},
}};

}  // namespace

std::string DenseProblem::id() const {
  return with_bias_and_activation(problem_id({{"m", m}, {"k", k}, {"u", u}}), bias, activation);
}

std::span<const DenseImplementation> dense_implementations() { return kDenseImplementations; }

std::span<const DenseImplementation> dense_update_implementations() { return kDenseUpdateImplementations; }

}  // namespace saccade::kernels
