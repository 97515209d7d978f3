#include "saccade/kernels/loss/loss.h"

#include <array>
#include <memory>

#include "saccade/kernels/loss/loss_simd.h"
#include "saccade/kernels/loss/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceLoss final : public LossKernel {
 public:
  explicit ReferenceLoss(const LossProblem& problem) : problem_(problem) {}
  void run(const LossBuffers& buffers) override {
    reference::loss<float>(problem_, buffers, buffers.prediction, buffers.row_loss, buffers.grad);
  }

 private:
  LossProblem problem_;
};

std::unique_ptr<LossKernel> make_reference(const LossProblem& problem) {
  return std::make_unique<ReferenceLoss>(problem);
}

constexpr std::array kLossImplementations = {
    LossImplementation{"simd", simd::decline, simd::make},
    LossImplementation{"reference", accept_all, make_reference},
};

const char* name_of(LossProblem::Kind kind) {
  switch (kind) {
    case LossProblem::Kind::softmax_cross_entropy:
      return "softmax_cross_entropy";
    case LossProblem::Kind::cross_entropy:
      return "cross_entropy";
    case LossProblem::Kind::mean_squared_error:
      return "mean_squared_error";
  }
  return "unknown";
}

}  // namespace

std::string LossProblem::id() const {
  std::string id = problem_id({{"r", rows}, {"c", classes}});
  if (label_smoothing != 0.0F) id += problem_id("s", label_smoothing);
  return id.append("_").append(name_of(kind));
}

std::span<const LossImplementation> loss_implementations() { return kLossImplementations; }

}  // namespace saccade::kernels
