#include "saccade/kernels/conv2d_backward/conv2d_backward.h"

#include <array>

#include "saccade/kernels/conv2d_backward/depthwise_sweep.h"
#include "saccade/kernels/conv2d_backward/pixels_sweep.h"

namespace saccade::kernels {
namespace {

constexpr std::array<Conv2DImplementation, 2> kConv2DBackwardImplementations{{
    {"depthwise_sweep", simd::decline_depthwise_sweep, simd::make_depthwise_sweep},
    {"pixels_sweep", decline_pixels_sweep, make_pixels_sweep},
}};

}  // namespace

std::span<const Conv2DImplementation> conv2d_backward_implementations() { return kConv2DBackwardImplementations; }

}  // namespace saccade::kernels
