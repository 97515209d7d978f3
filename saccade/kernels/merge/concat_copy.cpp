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
      // Row by row: going over a whole input at a time writes the result with gaps, which takes twice as long.
      for (Index r = begin; r < end; ++r) {
        Index first = r * row_;
        for (std::size_t k = 0; k < problem_.channels.size(); first += problem_.channels[k], ++k) {
          const Index channels = problem_.channels[k];
          if (problem_.pass == Pass::forward) {
            std::copy_n(buffers.src[k].data() + r * channels, channels, buffers.dst.data() + first);
          } else if (!buffers.grad_src[k].empty()) {
            std::copy_n(buffers.grad_dst.data() + first, channels, buffers.grad_src[k].data() + r * channels);
          }
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
