#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels {

/// Both gradients of a convolution of single pixels, by products of small matrices: of a block of pixels, grad_dst times the exchanged
/// filter is grad_src, and src exchanged times grad_dst, which is still in the cache, is added to grad_weight.
std::string decline_pixels_sweep(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_pixels_sweep(const Conv2DProblem& problem);

}  // namespace saccade::kernels
