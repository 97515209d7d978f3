#include "saccade/kernels/pool2d/pool2d.h"

#include <array>
#include <cstring>
#include <memory>

#include "saccade/kernels/pool2d/onednn_pool2d_internal.h"
#include "saccade/kernels/pool2d/pool2d_simd_internal.h"
#include "saccade/kernels/pool2d/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

/// Remembers src itself, so that its backward pass can look for the maxima again.
class ReferencePool2D final : public Pool2DKernel {
 public:
  explicit ReferencePool2D(const Pool2DProblem& problem) : problem_(problem) {}

  Index saved_bytes() const override {
    const bool keeps = problem_.training && problem_.kind == PoolKind::max;
    return keeps ? problem_.src_elements() * isize(sizeof(float)) : 0;
  }

  void forward(const Pool2DBuffers& b) override {
    reference::pool2d_forward(problem_, b.src.data(), b.dst.data());
    if (saved_bytes() != 0) std::memcpy(b.saved.data(), b.src.data(), b.src.size_bytes());
  }

  void backward(const Pool2DBuffers& b) override {
    reference::pool2d_backward(problem_, reinterpret_cast<const float*>(b.saved.data()), b.grad_dst.data(),
                               b.grad_src.data());
  }

 private:
  Pool2DProblem problem_;
};

std::unique_ptr<Pool2DKernel> make_reference(const Pool2DProblem& problem) {
  return std::make_unique<ReferencePool2D>(problem);
}

constexpr std::array<Pool2DImplementation, 3> kPool2DImplementations{{
    {"simd", simd::decline, simd::make},
    {"onednn", onednn::decline_pool2d, onednn::make_pool2d},
    {"reference", accept_all<Pool2DProblem>, make_reference},
}};

}  // namespace

std::string Pool2DProblem::id() const {
  const std::string extents = problem_id({{"n", n},
                                          {"ih", ih},
                                          {"iw", iw},
                                          {"c", c},
                                          {"kh", kh},
                                          {"kw", kw},
                                          {"sh", sh},
                                          {"sw", sw},
                                          {"pt", ph.before},
                                          {"pb", ph.after},
                                          {"pl", pw.before},
                                          {"pr", pw.after}});
  const std::string dilation = dh == 1 && dw == 1 ? "" : problem_id({{"dh", dh}, {"dw", dw}});
  return extents + dilation + (kind == PoolKind::max ? "_max" : "_average");
}

std::span<const Pool2DImplementation> pool2d_implementations() { return kPool2DImplementations; }

}  // namespace saccade::kernels
