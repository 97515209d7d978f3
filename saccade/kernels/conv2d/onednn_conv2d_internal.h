#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels::onednn {

/// Convolution by oneDNN's primitives, one a piece of the batch or of an image; filters are brought into its blocked layout on each
/// run, images stay plain NHWC. Declines what oneDNN does by a plain loop.
std::string decline_conv2d(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_conv2d(const Conv2DProblem& problem);

}  // namespace saccade::kernels::onednn
