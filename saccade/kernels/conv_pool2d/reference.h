#pragma once
#include "saccade/kernels/conv2d/reference.h"
#include "saccade/kernels/conv_pool2d/conv_pool2d.h"
#include "saccade/kernels/pool2d/reference.h"

namespace saccade::kernels::reference {

/// The formula of ConvPool2DProblem: one after the other. `between` is what the pooling reads, conv().dst_elements().
template <class T>
void conv_pool2d_forward(const ConvPool2DProblem& p, const T* src, const T* weight, const T* bias, T* between, T* dst) {
  conv2d_forward(p.conv(Pass::forward), src, weight, bias, between);
  pool2d_forward(p.pool(), between, dst);
}

/// `between` as the forward pass left it, `grad_between` of that size is overwritten. Gradients that are null are left
/// out.
template <class T>
void conv_pool2d_backward(const ConvPool2DProblem& p, const T* src, const T* weight, const T* between,
                          const T* grad_dst, T* grad_between, T* grad_src, T* grad_weight, T* grad_bias) {
  pool2d_backward(p.pool(), between, grad_dst, grad_between);
  if (p.activation == Activation::relu) {
    for (Index i = 0; i < p.pool().src_elements(); ++i) {
      if (!(branch_value(between[i]) > 0)) grad_between[i] = T(0);
    }
  }
  if (grad_src != nullptr) {
    conv2d_backward_data(p.conv(Pass::backward_data), grad_between, weight, grad_src);
  }
  if (grad_weight == nullptr) return;
  Conv2DProblem weights = p.conv(Pass::backward_weights);
  weights.bias = grad_bias != nullptr;
  conv2d_backward_weights(weights, src, grad_between, grad_weight, grad_bias);
}

}  // namespace saccade::kernels::reference
