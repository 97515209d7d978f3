#include "saccade/kernels/conv2d/conv2d.h"

#include <array>
#include <atomic>
#include <memory>

#include "saccade/kernels/conv2d/dense_conv2d.h"
#include "saccade/kernels/conv2d/depthwise_rows.h"
#include "saccade/kernels/conv2d/depthwise_simd.h"
#include "saccade/kernels/conv2d/onednn_conv2d_internal.h"
#include "saccade/kernels/conv2d/pixel_products.h"
#include "saccade/kernels/conv2d/pixels_simd.h"
#include "saccade/kernels/conv2d/reference.h"
#include "saccade/kernels/conv2d/winograd.h"
#include "saccade/kernels/problem_id.h"
#include "saccade/kernels/scratch.h"

namespace saccade::kernels {
namespace {

class ReferenceConv2D final : public Conv2DKernel {
 public:
  explicit ReferenceConv2D(const Conv2DProblem& problem) : problem_(problem) {}

  Index scratch_bytes() const override { return problem_.norm ? problem_.src_elements() * kFloatBytes : 0; }

  void run(const Conv2DBuffers& b) override {
    switch (problem_.pass) {
      case Pass::forward: {
        const float* src = b.src.data();
        if (problem_.norm) {
          float* const normalised = floats_at(b.scratch, 0);
          reference::normalise_source(problem_, src, b.norm.mean.data(), b.norm.factor.data(), b.norm.offset.data(),
                                      normalised);
          src = normalised;
        }
        return reference::conv2d_forward(problem_, src, b.weight.data(), b.bias.data(), b.dst.data());
      }
      case Pass::backward_data:
        return reference::conv2d_backward_data(problem_, b.grad_dst.data(), b.weight.data(), b.grad_src.data());
      case Pass::backward_weights:
        return reference::conv2d_backward_weights(problem_, b.src.data(), b.grad_dst.data(), b.grad_weight.data(),
                                                  b.grad_bias.data());
    }
  }

 private:
  Conv2DProblem problem_;
};

std::unique_ptr<Conv2DKernel> make_reference(const Conv2DProblem& problem) {
  return std::make_unique<ReferenceConv2D>(problem);
}

/// That of an implementation which normalises what it reads in forward passes.
template <std::string (*kDecline)(const Conv2DProblem&)>
std::string normalises(const Conv2DProblem& p) {
  if (p.grad_norm) return "it does not take gradients back through a normalisation";
  return p.norm && p.pass != Pass::forward ? "it normalises in forward passes alone" : kDecline(p);
}

/// That of one which reads its source as it is.
template <std::string (*kDecline)(const Conv2DProblem&)>
std::string reads_plainly(const Conv2DProblem& p) {
  return p.norm ? "it does not normalise what it reads" : normalises<kDecline>(p);
}

constexpr std::array<Conv2DImplementation, 8> kConv2DImplementations{{
    {"pixels", reads_plainly<simd::decline_pixels>, simd::make_pixels},
    {"dense", reads_plainly<decline_dense_conv2d>, make_dense_conv2d},
    {"winograd", reads_plainly<decline_winograd>, make_winograd},
    {"depthwise_rows", normalises<simd::decline_depthwise_rows>, simd::make_depthwise_rows},
    {"pixel_products", normalises<decline_pixel_products>, make_pixel_products},
    {"onednn", reads_plainly<onednn::decline_conv2d>, onednn::make_conv2d},
    {"depthwise", reads_plainly<simd::decline_depthwise>, simd::make_depthwise},
    {"reference", normalises<accept_all<Conv2DProblem>>, make_reference},
}};

}  // namespace

std::string Conv2DProblem::id() const {
  const std::string id = with_bias_and_activation(problem_id({{"n", n},
                                                              {"ih", ih},
                                                              {"iw", iw},
                                                              {"ic", ic},
                                                              {"oc", oc},
                                                              {"kh", kh},
                                                              {"kw", kw},
                                                              {"sh", sh},
                                                              {"sw", sw},
                                                              {"dh", dh},
                                                              {"dw", dw},
                                                              {"pt", ph.before},
                                                              {"pb", ph.after},
                                                              {"pl", pw.before},
                                                              {"pr", pw.after},
                                                              {"g", groups}}),
                                                  bias, activation);
  if (!norm) return id;
  return id + "_norm" + (*norm == Activation::linear ? "" : std::string(name_of(*norm)));
}

namespace {
std::atomic<bool> g_exact = false;
}  // namespace

void set_exact_convolutions(bool exact) noexcept { g_exact = exact; }
bool exact_convolutions() noexcept { return g_exact; }

std::span<const Conv2DImplementation> conv2d_implementations() { return kConv2DImplementations; }

}  // namespace saccade::kernels
