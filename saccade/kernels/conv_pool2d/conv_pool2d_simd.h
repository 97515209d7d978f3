#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv_pool2d/conv_pool2d.h"

namespace saccade::kernels::simd {

/// Forward: vectors of output channels or of neighbouring windows, whatever fills more lanes; what is kept is the number of
/// the winning tap, a byte a result. Backward: three of four gradients between are zero, with ReLU some of the rest, too;
/// only winners are visited, in vectors along the rows of the filter.
std::string decline_conv_pool2d(const ConvPool2DProblem& problem);
std::unique_ptr<ConvPool2DKernel> make_conv_pool2d(const ConvPool2DProblem& problem);

}  // namespace saccade::kernels::simd
