#pragma once
#include <span>
#include <string_view>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade {

/// Keras's names and formulas, with s(x) = 1 / (1 + exp(-x)) and P(x) = (1 + erf(x / sqrt(2))) / 2. The derivative of
/// most is a function of the output y, so the input need not be kept; see gradient_needs_src().
enum class Activation : std::uint8_t {
  linear,        ///< y = x
  relu,          ///< y = max(x, 0); dy/dx = [y > 0], 0 at 0
  leaky_relu,    ///< y = x > 0 ? x : 0.2 x (Keras 3's default negative slope); dy/dx = y > 0 ? 1 : 0.2
  relu6,         ///< y = min(max(x, 0), 6); dy/dx = [0 < y < 6]
  clip,          ///< y = min(max(x, low), high); dy/dx = [low < y < high]. Never fused: it has no usual bounds.
  elu,           ///< y = x > 0 ? x : alpha (exp(x) - 1), alpha 1; dy/dx = y > 0 ? 1 : y + alpha
  sigmoid,       ///< y = s(x); dy/dx = y (1 - y)
  hard_sigmoid,  ///< y = min(max(x / 6 + 1/2, 0), 1); dy/dx = [0 < y < 1] / 6
  tanh,          ///< y = tanh(x); dy/dx = 1 - y^2
  swish,         ///< y = x s(x), also called SiLU; dy/dx = s(x) (1 + x (1 - s(x)))
  hard_swish,    ///< y = x min(max(x + 3, 0), 6) / 6; dy/dx = x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 1/2
  gelu,          ///< y = x P(x), exactly; dy/dx = P(x) + x exp(-x^2 / 2) / sqrt(2 pi)
  gelu_tanh,     ///< y = x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3): Keras's gelu(approximate=True)
  softmax,       ///< Over the last axis; a kernel of its own (softmax/softmax.h), never fused.
  log_softmax,   ///< The logarithm of softmax, without the detour; likewise.
};

/// Whether it runs over the last axis rather than element by element.
constexpr bool is_softmax(Activation activation) noexcept {
  return activation == Activation::softmax || activation == Activation::log_softmax;
}

std::string_view name_of(Activation activation) noexcept;  ///< "relu"

/// Whether the backward pass reads the input x; the others read the output y.
constexpr bool gradient_needs_src(Activation activation) noexcept {
  return activation == Activation::swish || activation == Activation::hard_swish || activation == Activation::gelu ||
         activation == Activation::gelu_tanh;
}

namespace kernels {

/// Element-wise activation. forward: dst = act(src), dst may be src. backward_data: grad_src = grad_dst * act',
/// grad_src may be grad_dst. linear copies; softmaxes are declined by every implementation.
struct ActivationProblem {
  Pass pass = Pass::forward;
  Activation activation = Activation::relu;
  float negative_slope = 0.2F;             ///< Of leaky_relu.
  float elu_alpha = 1.0F;                  ///< Of elu, zero or more.
  float hard_sigmoid_slope = 1.0F / 6.0F;  ///< Of hard_sigmoid: y = slope x + offset between 0 and 1.
  float hard_sigmoid_offset = 0.5F;
  float clip_low = 0.0F, clip_high = 1.0F;  ///< Of clip, low <= high; infinite where there is no bound.
  Index elements = 0;
  std::string id() const;
};

struct ActivationBuffers {
  std::span<const float> src;  ///< backward_data reads it where gradient_needs_src().
  std::span<const float> grad_dst;
  std::span<const float> dst_in;  ///< backward_data: the forward result, read where the gradient does not need src.
  std::span<float> dst, grad_src;
};

using ActivationKernel = Kernel<ActivationBuffers>;
using ActivationImplementation = Implementation<ActivationProblem, ActivationKernel>;
std::span<const ActivationImplementation> activation_implementations();

}  // namespace kernels
}  // namespace saccade
