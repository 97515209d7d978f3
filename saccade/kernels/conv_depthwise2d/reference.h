#pragma once
#include "saccade/kernels/conv2d/reference.h"
#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d.h"

namespace saccade::kernels::reference {

/// The formula of ConvDepthwise2DProblem: one after the other. `between` has conv().dst_elements().
template <class T>
void conv_depthwise2d(const ConvDepthwise2DProblem& p, const T* src, const T* weight, const T* bias,
                      const T* depthwise_weight, const T* depthwise_bias, T* between, T* dst) {
  conv2d_forward(p.conv(), src, weight, bias, between);
  conv2d_forward(p.depthwise(), between, depthwise_weight, depthwise_bias, dst);
}

}  // namespace saccade::kernels::reference
