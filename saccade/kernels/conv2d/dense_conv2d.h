#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels {

/// A convolution with one window an image, which covers all of it, is a dense layer: NHWC images and HWIO filters are its
/// rows and its weight as they lie. So the work is shared out between outputs, where there are no rows to share.
std::string decline_dense_conv2d(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_dense_conv2d(const Conv2DProblem& problem);

}  // namespace saccade::kernels
