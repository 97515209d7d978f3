#include "saccade/kernels/merge/multiply_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/merge/multiply_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// dst[i] = a[i] * b[i]; dst may be a.
void MultiplyTwo(const float* a, const float* b, float* dst, std::size_t count) {
  Map(a, b, dst, count, [](FloatVector x, FloatVector y) HWY_ATTR { return hn::Mul(x, y); });
}

/// `rows` rows of c: dst = src * factor, row by row.
void MultiplyRows(const float* src, const float* factor, float* dst, std::size_t rows, std::size_t c) {
  for (std::size_t r = 0; r < rows; ++r) MultiplyTwo(src + r * c, factor, dst + r * c, c);
}

/// sums[c] = sum over the rows of a * b.
void SumProducts(const float* a, const float* b, float* sums, std::size_t rows, std::size_t c) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t first = 0;
  // Four vectors of channels at a time: their sums stay in registers.
  for (; first + 4 * lanes <= c; first += 4 * lanes) {
    FloatVector sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    for (std::size_t r = 0; r < rows; ++r) {
      const float* x = a + r * c + first;
      const float* y = b + r * c + first;
      for (std::size_t v = 0; v < 4; ++v) {
        sum[v] = hn::MulAdd(hn::LoadU(d, x + v * lanes), hn::LoadU(d, y + v * lanes), sum[v]);
      }
    }
    for (std::size_t v = 0; v < 4; ++v) hn::StoreU(sum[v], d, sums + first + v * lanes);
  }
  for (; first < c; first += lanes) {
    FloatVector sum = hn::Zero(d);
    const std::size_t count = c - first;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t i = r * c + first, room = rows * c - i;
      sum = hn::MulAdd(LoadPart(a + i, count, room, 0.0F), LoadPart(b + i, count, room, 0.0F), sum);
    }
    StorePart(sum, sums + first, count, 0);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(MultiplyTwo);
HWY_EXPORT(MultiplyRows);
HWY_EXPORT(SumProducts);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

/// Each image is cut into blocks of pixels, by the shape alone; every block is a task.
class SimdMultiply final : public MultiplyKernel {
 public:
  explicit SimdMultiply(const MultiplyProblem& p)
      : p_(p), block_(std::min(p.pixels, rows_per_task(p.c))), blocks_(ceil_divide(p.pixels, block_)) {}

  Index scratch_bytes() const override {
    if (p_.pass == Pass::forward || p_.pixels == 1) return 0;
    return p_.n * blocks_ * p_.c * isize(sizeof(float));
  }

  void run(const MultiplyBuffers& b) override {
    if (p_.pixels == 1) return run_one_shape(b);
    float* const partials = reinterpret_cast<float*>(b.scratch.data());
    parallel_for(p_.n * blocks_, [&](Index task) {
      const Index n = task / blocks_, pixel = task % blocks_ * block_;
      const Index first = (n * p_.pixels + pixel) * p_.c;
      const std::size_t rows = usize(std::min(block_, p_.pixels - pixel)), c = usize(p_.c);
      const float* const factor = b.factor.data() + n * p_.c;
      if (p_.pass == Pass::forward) {
        HWY_DYNAMIC_DISPATCH(MultiplyRows)(b.src.data() + first, factor, b.dst.data() + first, rows, c);
        return;
      }
      const float* const grad = b.grad_dst.data() + first;
      // Before grad_src, which may be grad_dst.
      if (!b.grad_factor.empty()) {
        HWY_DYNAMIC_DISPATCH(SumProducts)(grad, b.src.data() + first, partials + task * p_.c, rows, c);
      }
      if (!b.grad_src.empty()) HWY_DYNAMIC_DISPATCH(MultiplyRows)(grad, factor, b.grad_src.data() + first, rows, c);
    });
    if (p_.pass != Pass::forward && !b.grad_factor.empty()) combine(partials, b.grad_factor);
  }

 private:
  void run_one_shape(const MultiplyBuffers& b) const {
    parallel_ranges(p_.elements(), kGrain, [&](Index begin, Index end) {
      const auto product = [=](std::span<const float> x, std::span<const float> y, std::span<float> to) {
        HWY_DYNAMIC_DISPATCH(MultiplyTwo)(x.data() + begin, y.data() + begin, to.data() + begin, usize(end - begin));
      };
      if (p_.pass == Pass::forward) return product(b.src, b.factor, b.dst);
      if (!b.grad_factor.empty()) product(b.grad_dst, b.src, b.grad_factor);
      if (!b.grad_src.empty()) product(b.grad_dst, b.factor, b.grad_src);
    });
  }

  void combine(const float* partials, std::span<float> grad_factor) const {
    parallel_ranges(p_.n * p_.c, kGrain, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const float* partial = partials + i / p_.c * blocks_ * p_.c + i % p_.c;
        double sum = 0.0;
        for (Index block = 0; block < blocks_; ++block) sum += static_cast<double>(partial[block * p_.c]);
        grad_factor[usize(i)] = static_cast<float>(sum);
      }
    });
  }

  MultiplyProblem p_;
  Index block_, blocks_;
};

}  // namespace

std::unique_ptr<MultiplyKernel> make_multiply(const MultiplyProblem& problem) {
  return std::make_unique<SimdMultiply>(problem);
}

}  // namespace saccade::kernels::simd
#endif
