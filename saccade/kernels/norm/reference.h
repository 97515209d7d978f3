#pragma once
#include <cmath>
#include <complex>
#include <span>

#include "saccade/kernels/activation/reference.h"
#include "saccade/kernels/norm/batch_norm.h"
#include "saccade/kernels/reference_sum.h"

namespace saccade::kernels::reference {

/// Mean and population variance of one channel, each in its own pass.
template <class T>
struct ChannelMoments {
  Sum<T> mean{0}, variance{0};
};

template <class T>
ChannelMoments<T> channel_moments(const BatchNormProblem& problem, std::span<const T> src, Index channel) {
  ChannelMoments<T> moments;
  const double rows = static_cast<double>(problem.rows);
  for (Index r = 0; r < problem.rows; ++r) moments.mean += Sum<T>(src[usize(r * problem.c + channel)]);
  moments.mean /= rows;
  for (Index r = 0; r < problem.rows; ++r) {
    const Sum<T> difference = Sum<T>(src[usize(r * problem.c + channel)]) - moments.mean;
    moments.variance += difference * difference;
  }
  moments.variance /= rows;
  return moments;
}

/// saved is [mean of c channels, 1 / sqrt(variance + epsilon) of c channels] of the statistics that were used; it and
/// the updates of the moving statistics are left out when the spans are empty (outside training). `shortcut` is empty
/// but with problem.residual.
template <class T>
void batch_norm_forward(const BatchNormProblem& problem, std::span<const T> src, std::span<const T> shortcut,
                        std::span<const T> gamma, std::span<const T> beta, std::span<T> moving_mean,
                        std::span<T> moving_variance, std::span<T> dst, std::span<Sum<T>> saved) {
  for (Index channel = 0; channel < problem.c; ++channel) {
    const std::size_t c = usize(channel);
    ChannelMoments<T> moments{Sum<T>(moving_mean[c]), Sum<T>(moving_variance[c])};
    if (problem.training) {
      moments = channel_moments<T>(problem, src, channel);
      const double momentum = static_cast<double>(problem.momentum);
      moving_mean[c] = T(momentum * Sum<T>(moving_mean[c]) + (1.0 - momentum) * moments.mean);
      moving_variance[c] = T(momentum * Sum<T>(moving_variance[c]) + (1.0 - momentum) * moments.variance);
    }
    const Sum<T> inverse = 1.0 / std::sqrt(moments.variance + static_cast<double>(problem.epsilon));
    for (Index r = 0; r < problem.rows; ++r) {
      const std::size_t i = usize(r * problem.c + channel);
      T value = T(Sum<T>(gamma[c]) * ((Sum<T>(src[i]) - moments.mean) * inverse) + Sum<T>(beta[c]));
      if (problem.residual) value += shortcut[i];
      dst[i] = activate<T>(problem.activation, value);
    }
    if (problem.training) {
      saved[c] = moments.mean;
      saved[usize(problem.c) + c] = inverse;
    }
  }
}

/// `mean` and `inverse` [c] are the statistics of the forward pass, `dst` is its result, read with problem.residual; an
/// empty gradient is not wanted.
template <class T>
void batch_norm_backward(const BatchNormProblem& problem, std::span<const T> src, std::span<const T> gamma,
                         std::span<const T> beta, std::span<const T> dst, std::span<const T> grad_dst,
                         std::span<const Sum<T>> mean, std::span<const Sum<T>> inverse, std::span<T> grad_src,
                         std::span<T> grad_shortcut, std::span<T> grad_gamma, std::span<T> grad_beta) {
  const double rows = static_cast<double>(problem.rows);
  const ActivationProblem function{.activation = problem.activation};
  for (Index channel = 0; channel < problem.c; ++channel) {
    const std::size_t c = usize(channel);
    const auto normalised = [&](std::size_t i) { return (Sum<T>(src[i]) - mean[c]) * inverse[c]; };
    const auto gradient = [&](std::size_t i) {  // before the activation
      if (problem.residual) return activation_gradient<T>(function, dst[i], grad_dst[i]);
      const T value = T(Sum<T>(gamma[c]) * normalised(i) + Sum<T>(beta[c]));
      const bool from_value = gradient_needs_src(problem.activation);
      return activation_gradient<T>(function, from_value ? value : activate(function, value), grad_dst[i]);
    };
    Sum<T> sum(0), dot(0);
    for (Index r = 0; r < problem.rows; ++r) {
      const std::size_t i = usize(r * problem.c + channel);
      const T grad = gradient(i);
      sum += Sum<T>(grad);
      dot += Sum<T>(grad) * normalised(i);
    }
    if (!grad_gamma.empty()) grad_gamma[c] = T(dot);
    if (!grad_beta.empty()) grad_beta[c] = T(sum);
    for (Index r = 0; r < problem.rows; ++r) {
      const std::size_t i = usize(r * problem.c + channel);
      const T before = gradient(i);
      Sum<T> grad = Sum<T>(before);
      // The batch's own statistics move with every input; frozen ones do not.
      if (problem.training) grad -= sum / rows + normalised(i) * dot / rows;
      if (!grad_src.empty()) grad_src[i] = T(Sum<T>(gamma[c]) * inverse[c] * grad);
      if (!grad_shortcut.empty()) grad_shortcut[i] = before;
    }
  }
}

}  // namespace saccade::kernels::reference
