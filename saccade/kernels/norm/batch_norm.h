#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Batch normalisation over the rows of src [rows, c] (rows = n * h * w of NHWC).
///   training:   mean, var = mean and population variance over the rows (double accumulation, fixed partition);
///               dst = gamma * (src - mean) / sqrt(var + epsilon) + beta;
///               moving_mean = momentum * moving_mean + (1 - momentum) * mean, moving_variance likewise (population
///               variance)
///   otherwise:  dst = gamma * (src - moving_mean) / sqrt(moving_variance + epsilon) + beta
///   backward:   grad_beta = sum of grad_dst; grad_gamma = sum of grad_dst * x_hat;
///               training:  grad_src = gamma / sqrt(var + epsilon) * (grad_dst - grad_beta / rows - x_hat * grad_gamma
///               / rows) otherwise: grad_src = gamma / sqrt(moving_variance + epsilon) * grad_dst   (a frozen layer
///               passes gradients on)
/// Defaults of Keras: momentum 0.99, epsilon 1e-3. Source: Ioffe and Szegedy 2015; keras.layers.BatchNormalization.
struct BatchNormProblem {
  Index rows = 1;
  Index c = 1;
  float epsilon = 1e-3F;
  float momentum = 0.99F;
  bool training = true;
  std::string id() const;
};

/// forward reads src, gamma, beta (and the moving statistics), writes dst and, in training, moving_* and saved.
/// backward reads src, gamma, grad_dst, saved (or moving_* outside training), writes grad_src, grad_gamma, grad_beta;
/// any of the three may be empty when it is not wanted. grad_src may be grad_dst.
struct BatchNormBuffers {
  std::span<const float> src, gamma, beta, grad_dst;
  std::span<float> moving_mean, moving_variance;
  std::span<float> dst, grad_src, grad_gamma, grad_beta;
  std::span<std::byte> saved, scratch;
};

using BatchNormKernel = TwinKernel<BatchNormBuffers>;
using BatchNormImplementation = Implementation<BatchNormProblem, BatchNormKernel>;
std::span<const BatchNormImplementation> batch_norm_implementations();

}  // namespace saccade::kernels
