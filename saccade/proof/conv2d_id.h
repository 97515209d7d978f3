#pragma once
#include <string_view>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::proof {

/// The convolution whose Conv2DProblem::id() is given, "_same" standing for the pads of SAME. Throws ValueError, in the name of the
/// operation, for anything else.
kernels::Conv2DProblem read_conv2d(std::string_view operation, std::string_view id);

}  // namespace saccade::proof
