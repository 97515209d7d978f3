#pragma once
#include <memory>

#include "saccade/kernels/bias/bias.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/scratch.h"

namespace saccade::kernels {

/// The gradient of a convolution's bias, if it has one, by the kernel of biases.
class BiasGradient {
 public:
  BiasGradient(const Conv2DProblem& p, ScratchLayout& scratch) {
    if (!p.bias) return;
    const BiasProblem bias{.pass = Pass::backward_weights, .rows = p.n * p.oh() * p.ow(), .c = p.oc};
    kernel_ = choose(bias_implementations(), bias).kernel;
    scratch_ = scratch.add(kernel_->scratch_bytes());
  }

  void run(const Conv2DBuffers& b) {
    if (!kernel_) return;
    kernel_->run({.grad_dst = b.grad_dst,
                  .grad_bias = b.grad_bias,
                  .scratch = b.scratch.subspan(usize(scratch_), usize(kernel_->scratch_bytes()))});
  }

 private:
  std::unique_ptr<BiasKernel> kernel_;
  Index scratch_ = 0;
};

}  // namespace saccade::kernels
