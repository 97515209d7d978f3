#include "saccade/kernels/conv2d_backward/conv2d_backward.h"

#include <array>

#include "saccade/kernels/conv2d_backward/depthwise_sweep.h"

namespace saccade::kernels {
namespace {

constexpr std::array<Conv2DImplementation, 1> kImplementations{{
    {"depthwise_sweep", simd::decline_depthwise_sweep, simd::make_depthwise_sweep},
}};

}  // namespace

std::span<const Conv2DImplementation> conv2d_backward_implementations() { return kImplementations; }

}  // namespace saccade::kernels
