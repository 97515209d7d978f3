#include "saccade/kernels/pad2d/pad2d_copy.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels::copy {
namespace {

class CopyPad2D final : public Pad2DKernel {
 public:
  explicit CopyPad2D(const Pad2DProblem& problem) : p_(problem) {}

  void run(const Pad2DBuffers& buffers) override {
    const bool forward = p_.pass == Pass::forward;
    const Index rows = p_.n * (forward ? p_.oh() : p_.ih);
    parallel_ranges(rows, simd::rows_per_task(p_.ow() * p_.oc()), [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) {
        if (forward) {
          pad_row(buffers.src.data(), row, buffers.dst.data());
        } else {
          cut_row(buffers.grad_dst.data(), row, buffers.grad_src.data());
        }
      }
    });
  }

 private:
  void pad_row(const float* src, Index row, float* dst) const {
    const Index n = row / p_.oh();
    const Index ih = row % p_.oh() - p_.ph.before;
    float* to = dst + row * p_.ow() * p_.oc();
    if (ih < 0 || ih >= p_.ih) {
      std::fill_n(to, p_.ow() * p_.oc(), 0.0F);
      return;
    }
    const float* from = src + (n * p_.ih + ih) * p_.iw * p_.c;
    to = std::fill_n(to, p_.pw.before * p_.oc(), 0.0F);
    if (p_.oc() == p_.c) {
      to = std::copy_n(from, p_.iw * p_.c, to);
    } else {
      for (Index iw = 0; iw < p_.iw; ++iw, from += p_.c) {
        to = std::fill_n(to, p_.pc.before, 0.0F);
        to = std::copy_n(from, p_.c, to);
        to = std::fill_n(to, p_.pc.after, 0.0F);
      }
    }
    std::fill_n(to, p_.pw.after * p_.oc(), 0.0F);
  }

  void cut_row(const float* grad_dst, Index row, float* grad_src) const {
    const Index n = row / p_.ih;
    const Index oh = row % p_.ih + p_.ph.before;
    const float* from = grad_dst + ((n * p_.oh() + oh) * p_.ow() + p_.pw.before) * p_.oc();
    float* to = grad_src + row * p_.iw * p_.c;
    if (p_.oc() == p_.c) {
      std::copy_n(from, p_.iw * p_.c, to);
      return;
    }
    for (Index iw = 0; iw < p_.iw; ++iw, from += p_.oc()) to = std::copy_n(from + p_.pc.before, p_.c, to);
  }

  Pad2DProblem p_;
};

}  // namespace

std::unique_ptr<Pad2DKernel> make(const Pad2DProblem& problem) { return std::make_unique<CopyPad2D>(problem); }

}  // namespace saccade::kernels::copy
