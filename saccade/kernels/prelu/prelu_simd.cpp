#include "saccade/kernels/prelu/prelu_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/columns.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/prelu/prelu_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/columns_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// to[i] = values[i], times the channel's slope where src[i] < 0: the forward pass when values is src, backward when it is
/// grad_dst. `alpha` is repeated to a whole period.
void PReluScale(const simd::Columns& columns, Index rows, const float* src, const float* values, const float* alpha,
                float* to) {
  ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
    const FloatTag d;
    const FloatVector x = LoadPart(src + i, count, room, 0.0F), value = LoadPart(values + i, count, room, 0.0F);
    const FloatVector scaled = hn::Mul(value, hn::LoadU(d, alpha + p));
    StorePart(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), scaled, value), to + i, count, room);
  });
}

/// One term: grad_dst * src where src < 0.
struct PReluTerms {
  const float* src;
  const float* grad_dst;

  HWY_INLINE void Vector(std::size_t i, std::size_t, DoubleVector* lower, DoubleVector* upper) const {
    const FloatTag d;
    const FloatVector x = hn::LoadU(d, src + i);
    const FloatVector grad = hn::IfThenElseZero(hn::Lt(x, hn::Zero(d)), hn::LoadU(d, grad_dst + i));
    lower[0] = hn::MulAdd(LowerDoubles(grad), LowerDoubles(x), lower[0]);
    upper[0] = hn::MulAdd(UpperDoubles(grad), UpperDoubles(x), upper[0]);
  }
  void Scalar(std::size_t i, std::size_t, double* term) const {
    term[0] = src[i] < 0.0F ? static_cast<double>(grad_dst[i]) * static_cast<double>(src[i]) : 0.0;
  }
};

void PReluSums(const simd::Columns& columns, Index rows, const float* src, const float* grad_dst, double* sums) {
  SumColumns<1>(columns, rows, PReluTerms{src, grad_dst}, sums);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(PReluScale);
HWY_EXPORT(PReluSums);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdPRelu final : public PReluKernel {
 public:
  explicit SimdPRelu(const PReluProblem& problem) : problem_(problem), columns_(problem.rows, problem.c) {}

  Index scratch_bytes() const override {
    if (problem_.pass == Pass::backward_weights) return columns_.blocks() * problem_.c * isize(sizeof(double));
    return columns_.pattern_size() * isize(sizeof(float));
  }

  void run(const PReluBuffers& b) override {
    switch (problem_.pass) {
      case Pass::forward:
        return scale(b, b.src, b.dst);
      case Pass::backward_data:
        return scale(b, b.grad_dst, b.grad_src);
      case Pass::backward_weights:
        return sum(b);
    }
  }

 private:
  void scale(const PReluBuffers& b, std::span<const float> values, std::span<float> to) const {
    const std::span<float> pattern(reinterpret_cast<float*>(b.scratch.data()), usize(columns_.pattern_size()));
    columns_.fill_pattern(pattern, [&](std::size_t c) { return b.alpha[c]; });
    parallel_ranges(problem_.rows, columns_.block_rows(), [&](Index begin, Index end) {
      const Index first = begin * problem_.c;
      HWY_DYNAMIC_DISPATCH(PReluScale)
      (columns_, end - begin, b.src.data() + first, values.data() + first, pattern.data(), to.data() + first);
    });
  }

  void sum(const PReluBuffers& b) const {
    const Index c = problem_.c;
    const std::span<double> sums(reinterpret_cast<double*>(b.scratch.data()), usize(columns_.blocks() * c));
    parallel_ranges(problem_.rows, columns_.block_rows(), [&](Index begin, Index end) {
      HWY_DYNAMIC_DISPATCH(PReluSums)
      (columns_, end - begin, b.src.data() + begin * c, b.grad_dst.data() + begin * c,
       sums.data() + begin / columns_.block_rows() * c);
    });
    columns_.combine(sums, c);
    std::transform(sums.begin(), sums.begin() + c, b.grad_alpha.begin(),
                   [](double total) { return static_cast<float>(total); });
  }

  PReluProblem problem_;
  Columns columns_;
};

}  // namespace

std::unique_ptr<PReluKernel> make_prelu(const PReluProblem& problem) { return std::make_unique<SimdPRelu>(problem); }

}  // namespace saccade::kernels::simd
#endif
