#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d.h"

namespace saccade::kernels::simd {

/// Some channels at a time, over some rows of an image: the rows between the two convolutions stay in the cache, and the filters
/// of those channels are read once for all their pixels. Sums are the definition's, each in one order.
std::string decline_conv_depthwise2d(const ConvDepthwise2DProblem& problem);
std::unique_ptr<ConvDepthwise2DKernel> make_conv_depthwise2d(const ConvDepthwise2DProblem& problem);

}  // namespace saccade::kernels::simd
