#include "saccade/kernels/upsample2d/upsample2d.h"

#include <array>
#include <memory>

#include "saccade/kernels/problem_id.h"
#include "saccade/kernels/upsample2d/reference.h"
#include "saccade/kernels/upsample2d/upsample2d_simd.h"

namespace saccade::kernels {
namespace {

class ReferenceUpSample2D final : public UpSample2DKernel {
 public:
  explicit ReferenceUpSample2D(const UpSample2DProblem& problem) : problem_(problem) {}
  void run(const UpSample2DBuffers& b) override {
    if (problem_.pass == Pass::forward) {
      reference::upsample2d_forward<float>(problem_, b.src, b.dst);
    } else {
      reference::upsample2d_backward_data<float>(problem_, b.grad_dst, b.grad_src);
    }
  }

 private:
  UpSample2DProblem problem_;
};

std::unique_ptr<UpSample2DKernel> make_reference(const UpSample2DProblem& problem) {
  return std::make_unique<ReferenceUpSample2D>(problem);
}

constexpr std::array kUpSample2DImplementations = {
    UpSample2DImplementation{"simd", accept_all, simd::make_upsample2d},
    UpSample2DImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string UpSample2DProblem::id() const {
  return problem_id({{"n", n}, {"ih", ih}, {"iw", iw}, {"c", c}, {"fh", fh}, {"fw", fw}}) +
         (kind == UpSampling::nearest ? "_nearest" : "_bilinear");
}

std::span<const UpSample2DImplementation> upsample2d_implementations() { return kUpSample2DImplementations; }

}  // namespace saccade::kernels
