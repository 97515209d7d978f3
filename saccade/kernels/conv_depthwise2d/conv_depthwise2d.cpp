#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d.h"

#include <array>
#include <memory>

#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d_simd.h"
#include "saccade/kernels/conv_depthwise2d/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

/// Keeps the whole image between the two.
class ReferenceConvDepthwise2D final : public ConvDepthwise2DKernel {
 public:
  explicit ReferenceConvDepthwise2D(const ConvDepthwise2DProblem& problem) : problem_(problem) {}

  Index scratch_bytes() const override { return problem_.conv().dst_elements() * isize(sizeof(float)); }

  void run(const ConvDepthwise2DBuffers& b) override {
    reference::conv_depthwise2d(problem_, b.src.data(), b.weight.data(), b.bias.data(), b.depthwise_weight.data(),
                                b.depthwise_bias.data(), reinterpret_cast<float*>(b.scratch.data()), b.dst.data());
  }

 private:
  ConvDepthwise2DProblem problem_;
};

std::unique_ptr<ConvDepthwise2DKernel> make_reference(const ConvDepthwise2DProblem& problem) {
  return std::make_unique<ReferenceConvDepthwise2D>(problem);
}

constexpr std::array<ConvDepthwise2DImplementation, 2> kConvDepthwise2DImplementations{{
    {"simd", simd::decline_conv_depthwise2d, simd::make_conv_depthwise2d},
    {"reference", accept_all<ConvDepthwise2DProblem>, make_reference},
}};

}  // namespace

Conv2DProblem ConvDepthwise2DProblem::conv() const {
  return {.n = n, .ih = ih, .iw = iw, .ic = ic, .oc = oc, .bias = bias, .activation = activation};
}

Conv2DProblem ConvDepthwise2DProblem::depthwise() const {
  return {.n = n,
          .ih = ih,
          .iw = iw,
          .ic = oc,
          .oc = oc,
          .kh = kh,
          .kw = kw,
          .sh = sh,
          .sw = sw,
          .ph = ph,
          .pw = pw,
          .groups = oc,
          .bias = bias,
          .activation = activation};
}

std::string ConvDepthwise2DProblem::id() const {
  return with_bias_and_activation(problem_id({{"n", n},
                                              {"ih", ih},
                                              {"iw", iw},
                                              {"ic", ic},
                                              {"oc", oc},
                                              {"kh", kh},
                                              {"kw", kw},
                                              {"sh", sh},
                                              {"sw", sw},
                                              {"pt", ph.before},
                                              {"pb", ph.after},
                                              {"pl", pw.before},
                                              {"pr", pw.after}}),
                                  bias, activation);
}

std::span<const ConvDepthwise2DImplementation> conv_depthwise2d_implementations() {
  return kConvDepthwise2DImplementations;
}

}  // namespace saccade::kernels
