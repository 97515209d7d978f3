#include "saccade/kernels/activation/activation.h"

#include <array>
#include <memory>
#include <string>

#include "saccade/kernels/activation/activation_simd.h"
#include "saccade/kernels/activation/onednn_activation_internal.h"
#include "saccade/kernels/activation/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade {

std::string_view name_of(Activation activation) noexcept {
  switch (activation) {
    case Activation::linear:
      return "linear";
    case Activation::relu:
      return "relu";
    case Activation::leaky_relu:
      return "leaky_relu";
    case Activation::relu6:
      return "relu6";
    case Activation::sigmoid:
      return "sigmoid";
    case Activation::tanh:
      return "tanh";
    case Activation::clip:
      return "clip";
    case Activation::elu:
      return "elu";
    case Activation::hard_sigmoid:
      return "hard_sigmoid";
    case Activation::swish:
      return "swish";
    case Activation::hard_swish:
      return "hard_swish";
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::softmax:
      return "softmax";
    case Activation::log_softmax:
      return "log_softmax";
  }
  return "unknown";
}

namespace kernels {
namespace {

std::string decline_softmax(const ActivationProblem& problem) {
  return is_softmax(problem.activation) ? "softmax is not element-wise" : "";
}

class ReferenceActivation final : public ActivationKernel {
 public:
  explicit ReferenceActivation(const ActivationProblem& problem) : problem_(problem) {}
  void run(const ActivationBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      reference::activation_forward<float>(problem_, buffers.src, buffers.dst);
    } else {
      const bool from_src = gradient_needs_src(problem_.activation);
      reference::activation_backward_data<float>(problem_, from_src ? buffers.src : buffers.dst_in, buffers.grad_dst,
                                                 buffers.grad_src);
    }
  }

 private:
  ActivationProblem problem_;
};

std::unique_ptr<ActivationKernel> make_reference(const ActivationProblem& problem) {
  return std::make_unique<ReferenceActivation>(problem);
}

constexpr std::array kActivationImplementations = {
    ActivationImplementation{"simd", simd::decline, simd::make},
    ActivationImplementation{"onednn", onednn::decline_activation, onednn::make_activation},
    ActivationImplementation{"reference", decline_softmax, make_reference},
};

}  // namespace

std::string ActivationProblem::id() const {
  std::string id = problem_id({{"n", elements}});
  if (activation == Activation::leaky_relu) id += problem_id("s", negative_slope);
  if (activation == Activation::elu) id += problem_id("a", elu_alpha);
  if (activation == Activation::hard_sigmoid) {
    id += problem_id("s", hard_sigmoid_slope) + problem_id("o", hard_sigmoid_offset);
  }
  return id.append("_").append(name_of(activation));
}

std::span<const ActivationImplementation> activation_implementations() { return kActivationImplementations; }

}  // namespace kernels
}  // namespace saccade
