#include "saccade/kernels/bias/bias_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/columns.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/bias/bias_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/columns_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// `bias` is repeated to a whole period.
void BiasForward(const simd::Columns& columns, Index rows, const float* src, const float* bias, float* dst) {
  ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
    const FloatVector sum = hn::Add(LoadPart(src + i, count, room, 0.0F), hn::LoadU(FloatTag(), bias + p));
    StorePart(sum, dst + i, count, room);
  });
}

/// One term: the gradient itself.
struct BiasTerms {
  const float* grad_dst;

  HWY_INLINE void Vector(std::size_t i, std::size_t, DoubleVector* lower, DoubleVector* upper) const {
    const FloatVector grad = hn::LoadU(FloatTag(), grad_dst + i);
    lower[0] = hn::Add(lower[0], LowerDoubles(grad));
    upper[0] = hn::Add(upper[0], UpperDoubles(grad));
  }
  void Scalar(std::size_t i, std::size_t, double* term) const { term[0] = grad_dst[i]; }
};

void BiasSums(const simd::Columns& columns, Index rows, const float* grad_dst, double* sums) {
  SumColumns<1>(columns, rows, BiasTerms{grad_dst}, sums);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(BiasForward);
HWY_EXPORT(BiasSums);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdBias final : public BiasKernel {
 public:
  explicit SimdBias(const BiasProblem& problem) : problem_(problem), columns_(problem.rows, problem.c) {}

  Index scratch_bytes() const override {
    if (problem_.pass == Pass::forward) return columns_.pattern_size() * isize(sizeof(float));
    return columns_.blocks() * problem_.c * isize(sizeof(double));
  }

  void run(const BiasBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      forward(buffers);
    } else {
      backward_weights(buffers);
    }
  }

 private:
  void forward(const BiasBuffers& buffers) const {
    const std::span<float> pattern(reinterpret_cast<float*>(buffers.scratch.data()), usize(columns_.pattern_size()));
    columns_.fill_pattern(pattern, [&](std::size_t c) { return buffers.bias[c]; });
    parallel_ranges(problem_.rows, columns_.block_rows(), [&](Index begin, Index end) {
      const Index first = begin * problem_.c;
      HWY_DYNAMIC_DISPATCH(BiasForward)
      (columns_, end - begin, buffers.src.data() + first, pattern.data(), buffers.dst.data() + first);
    });
  }

  void backward_weights(const BiasBuffers& buffers) const {
    const Index c = problem_.c;
    const std::span<double> sums(reinterpret_cast<double*>(buffers.scratch.data()), usize(columns_.blocks() * c));
    parallel_ranges(problem_.rows, columns_.block_rows(), [&](Index begin, Index end) {
      HWY_DYNAMIC_DISPATCH(BiasSums)
      (columns_, end - begin, buffers.grad_dst.data() + begin * c, sums.data() + begin / columns_.block_rows() * c);
    });
    columns_.combine(sums, c);
    std::transform(sums.begin(), sums.begin() + c, buffers.grad_bias.begin(),
                   [](double sum) { return static_cast<float>(sum); });
  }

  BiasProblem problem_;
  Columns columns_;
};

}  // namespace

std::unique_ptr<BiasKernel> make(const BiasProblem& problem) { return std::make_unique<SimdBias>(problem); }

}  // namespace saccade::kernels::simd
#endif
