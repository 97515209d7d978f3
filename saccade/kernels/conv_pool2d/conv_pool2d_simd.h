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

/// The same, but forward by Winograd's minimal filtering: a window's four results by F(2 x 2, 5 x 5) or F(2 x 2, 3 x 3), with
/// 2.8 or 2.25 times fewer multiplications, or its columns by F(2, 5) or F(2, 3), with 1.67 or 1.5 times fewer. Its errors
/// are bounded as kWinogradGrowth says. NaN goes where it goes by the definition; an infinity may make a window NaN.
std::string decline_conv_pool2d_winograd(const ConvPool2DProblem& problem);
std::unique_ptr<ConvPool2DKernel> make_conv_pool2d_winograd(const ConvPool2DProblem& problem);

}  // namespace saccade::kernels::simd
