#pragma once
#include <span>
#include <string_view>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade {

/// Keras's names and formulas. Every derivative is a function of the output y, so the input need not be kept.
enum class Activation : std::uint8_t {
  linear,      ///< y = x
  relu,        ///< y = max(x, 0); dy/dx = [y > 0], 0 at 0
  leaky_relu,  ///< y = x > 0 ? x : 0.2 x (Keras 3's default negative slope); dy/dx = y > 0 ? 1 : 0.2
  relu6,       ///< y = min(max(x, 0), 6); dy/dx = [0 < y < 6]
  sigmoid,     ///< y = 1 / (1 + exp(-x)); dy/dx = y (1 - y)
  tanh,        ///< y = tanh(x); dy/dx = 1 - y^2
  softmax,     ///< Over the last axis; a kernel of its own (softmax/softmax.h), never fused.
};

std::string_view name_of(Activation activation) noexcept;  ///< "relu"

namespace kernels {

/// Element-wise activation. forward: dst = act(src), dst may be src. backward_data: grad_src = grad_dst * act'(dst),
/// grad_src may be grad_dst. linear copies; softmax is declined by every implementation.
struct ActivationProblem {
  Pass pass = Pass::forward;
  Activation activation = Activation::relu;
  float negative_slope = 0.2F;  ///< Of leaky_relu.
  Index elements = 0;
  std::string id() const;
};

struct ActivationBuffers {
  std::span<const float> src, grad_dst;
  std::span<const float> dst_in;  ///< backward_data: the forward result.
  std::span<float> dst, grad_src;
};

using ActivationKernel = Kernel<ActivationBuffers>;
using ActivationImplementation = Implementation<ActivationProblem, ActivationKernel>;
std::span<const ActivationImplementation> activation_implementations();

}  // namespace kernels
}  // namespace saccade
