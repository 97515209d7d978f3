#include "saccade/kernels/merge/concat_copy.h"

#include <algorithm>
#include <numeric>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels::copy {
namespace {

class CopyConcat final : public ConcatKernel {
 public:
  explicit CopyConcat(const ConcatProblem& problem)
      : problem_(problem), row_(std::accumulate(problem.channels.begin(), problem.channels.end(), Index{0})) {}

  void run(const ConcatBuffers& buffers) override {
    parallel_ranges(problem_.rows, simd::rows_per_task(row_), [&](Index begin, Index end) {
      Index first = 0;
      for (std::size_t k = 0; k < problem_.channels.size(); first += problem_.channels[k], ++k) {
        const Index channels = problem_.channels[k];
        if (problem_.pass == Pass::forward) {
          const float* src = buffers.src[k].data();
          float* dst = buffers.dst.data() + first;
          for (Index r = begin; r < end; ++r) std::copy_n(src + r * channels, channels, dst + r * row_);
        } else if (!buffers.grad_src[k].empty()) {
          const float* grad_dst = buffers.grad_dst.data() + first;
          float* grad_src = buffers.grad_src[k].data();
          for (Index r = begin; r < end; ++r) std::copy_n(grad_dst + r * row_, channels, grad_src + r * channels);
        }
      }
    });
  }

 private:
  ConcatProblem problem_;
  Index row_;
};

}  // namespace

std::unique_ptr<ConcatKernel> make(const ConcatProblem& problem) { return std::make_unique<CopyConcat>(problem); }

}  // namespace saccade::kernels::copy
