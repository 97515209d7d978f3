#pragma once
#include <span>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels {

/// Both gradients of a convolution in one run, which reads grad_dst and src once. Where memory is the limit, as it is where few
/// products are made of each number, that is faster than a pass for either.
///
/// Of the problem, pass, activation and constant_weight are not looked at. A run reads src, weight and grad_dst and writes
/// grad_src, grad_weight and, with a bias, grad_bias: what Conv2DBuffers says of the two backward passes.
///
/// Beside normalisations, and without a bias, it normalises src as it reads it (Conv2DProblem::norm; grad_src is then
/// the gradient of v, whose sums are written, too), and takes grad_dst back through the one behind (grad_norm).
///
/// Fastest first, each for its own kind of filter. There is no plain one: where all decline, a pass for either is the faster way.
std::span<const Conv2DImplementation> conv2d_backward_implementations();

}  // namespace saccade::kernels
