#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Batch normalisation over the rows of src [rows, c] (rows = n * h * w of NHWC), and what may follow it in the same
/// walk over memory: the addition of a shortcut [rows, c], with `residual`, and an activation.
///   training:   mean, var = mean and population variance over the rows (double accumulation, fixed partition);
///               v = gamma * (src - mean) / sqrt(var + epsilon) + beta;
///               moving_mean = momentum * moving_mean + (1 - momentum) * mean, moving_variance likewise (population
///               variance)
///   otherwise:  v = gamma * (src - moving_mean) / sqrt(moving_variance + epsilon) + beta
///   both:       dst = act(v), or act(v + shortcut)
///   backward:   grad_shortcut = g = grad_dst * act'; grad_beta = sum of g; grad_gamma = sum of g * x_hat;
///               training:  grad_src = gamma / sqrt(var + epsilon) * (g - grad_beta / rows - x_hat * grad_gamma / rows)
///               otherwise: grad_src = gamma / sqrt(moving_variance + epsilon) * g   (a frozen layer passes gradients on)
/// The results are the same bits as those of the three operations one by one: act' is taken from v, computed again.
/// With `residual` it is taken from dst, which must be enough for the activation (gradient_needs_src() is false).
/// Defaults of Keras: momentum 0.99, epsilon 1e-3. Source: Ioffe and Szegedy 2015; keras.layers.BatchNormalization.
struct BatchNormProblem {
  Index rows = 1;
  Index c = 1;
  float epsilon = 1e-3F;
  float momentum = 0.99F;
  bool training = true;
  bool residual = false;
  Activation activation = Activation::linear;  ///< With its usual parameters; no softmax.
  std::string id() const;
};

/// forward reads src, gamma, beta, shortcut (and the moving statistics), writes dst and, in training, moving_* and
/// saved. dst may be shortcut, and src outside training.
/// backward reads src, gamma, beta, dst_in (with `residual` and an activation), grad_dst, saved (or moving_* outside
/// training), writes grad_src, grad_shortcut, grad_gamma, grad_beta; any may be empty when it is not wanted, but
/// grad_shortcut only when grad_src is. grad_src may be grad_dst without `residual`, and grad_shortcut with it.
struct BatchNormBuffers {
  std::span<const float> src, shortcut, gamma, beta, dst_in, grad_dst;
  std::span<float> moving_mean, moving_variance;
  std::span<float> dst, grad_src, grad_shortcut, grad_gamma, grad_beta;
  std::span<std::byte> saved, scratch;
};

using BatchNormKernel = TwinKernel<BatchNormBuffers>;
using BatchNormImplementation = Implementation<BatchNormProblem, BatchNormKernel>;
std::span<const BatchNormImplementation> batch_norm_implementations();

}  // namespace saccade::kernels
