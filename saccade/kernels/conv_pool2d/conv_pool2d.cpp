#include "saccade/kernels/conv_pool2d/conv_pool2d.h"

#include <array>
#include <memory>

#include "saccade/kernels/conv_pool2d/conv_pool2d_simd.h"
#include "saccade/kernels/conv_pool2d/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

/// Keeps the image between convolution and pooling.
class ReferenceConvPool2D final : public ConvPool2DKernel {
 public:
  explicit ReferenceConvPool2D(const ConvPool2DProblem& problem) : problem_(problem) {}

  Index scratch_bytes() const override { return between_bytes(); }
  Index saved_bytes() const override { return problem_.training ? between_bytes() : 0; }

  void forward(const ConvPool2DBuffers& b) override {
    auto* const between = reinterpret_cast<float*>(problem_.training ? b.saved.data() : b.scratch.data());
    reference::conv_pool2d_forward(problem_, b.src.data(), b.weight.data(), b.bias.data(), between, b.dst.data());
  }

  void backward(const ConvPool2DBuffers& b) override {
    reference::conv_pool2d_backward(
        problem_, b.src.data(), b.weight.data(), reinterpret_cast<const float*>(b.saved.data()), b.grad_dst.data(),
        reinterpret_cast<float*>(b.scratch.data()), b.grad_src.data(), b.grad_weight.data(), b.grad_bias.data());
  }

 private:
  Index between_bytes() const { return problem_.pool().src_elements() * isize(sizeof(float)); }

  ConvPool2DProblem problem_;
};

std::unique_ptr<ConvPool2DKernel> make_reference(const ConvPool2DProblem& problem) {
  return std::make_unique<ReferenceConvPool2D>(problem);
}

constexpr std::array<ConvPool2DImplementation, 3> kConvPool2DImplementations{{
    {"winograd", simd::decline_conv_pool2d_winograd, simd::make_conv_pool2d_winograd},
    {"simd", simd::decline_conv_pool2d, simd::make_conv_pool2d},
    {"reference", accept_all<ConvPool2DProblem>, make_reference},
}};

}  // namespace

Conv2DProblem ConvPool2DProblem::conv(Pass pass) const {
  return {.pass = pass,
          .n = n,
          .ih = ih,
          .iw = iw,
          .ic = ic,
          .oc = oc,
          .kh = kh,
          .kw = kw,
          .ph = ph,
          .pw = pw,
          .bias = bias,
          .activation = pass == Pass::forward ? activation : Activation::linear};
}

Pool2DProblem ConvPool2DProblem::pool() const {
  const Conv2DProblem between = conv(Pass::forward);
  return {.n = n, .ih = between.oh(), .iw = between.ow(), .c = oc, .training = training};
}

std::string ConvPool2DProblem::id() const {
  return with_bias_and_activation(problem_id({{"n", n},
                                              {"ih", ih},
                                              {"iw", iw},
                                              {"ic", ic},
                                              {"oc", oc},
                                              {"kh", kh},
                                              {"kw", kw},
                                              {"pt", ph.before},
                                              {"pb", ph.after},
                                              {"pl", pw.before},
                                              {"pr", pw.after}}),
                                  bias, activation);
}

std::span<const ConvPool2DImplementation> conv_pool2d_implementations() { return kConvPool2DImplementations; }

}  // namespace saccade::kernels
