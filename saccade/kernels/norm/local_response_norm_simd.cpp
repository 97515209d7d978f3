#include "saccade/kernels/norm/local_response_norm_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/norm/local_response_norm_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// x^power for x > 0.
HWY_INLINE FloatVector Power(FloatVector x, float power) {
  const FloatTag d;
  return hn::Exp(d, hn::Mul(hn::Set(d, power), hn::Log(d, x)));
}

/// The sum of the `size` numbers from `from` on, for each of a vector of neighbouring places.
HWY_INLINE FloatVector SumWindow(const float* from, std::size_t size) {
  const FloatTag d;
  FloatVector sum = hn::LoadU(d, from);
  for (std::size_t k = 1; k < size; ++k) sum = hn::Add(sum, hn::LoadU(d, from + k));
  return sum;
}

/// `squares` and `scale` are working memory of c + size numbers and a vector; squares starts and ends with zeros.
HWY_INLINE void Scales(const LocalResponseNormProblem& p, const float* src, float* squares, float* scale) {
  const FloatTag d;
  const std::size_t c = static_cast<std::size_t>(p.c), lanes = hn::Lanes(d), size = static_cast<std::size_t>(p.size);
  float* const inner = squares + p.below();
  for (std::size_t i = 0; i < c; ++i) inner[i] = src[i] * src[i];
  const FloatVector alpha = hn::Set(d, p.alpha / static_cast<float>(p.size)), bias = hn::Set(d, p.bias);
  for (std::size_t i = 0; i < c; i += lanes)
    hn::StoreU(hn::MulAdd(alpha, SumWindow(squares + i, size), bias), d, scale + i);
}

void ResponseForward(const LocalResponseNormProblem& p, const float* src, std::size_t rows, float* squares,
                     float* scale, float* dst) {
  const FloatTag d;
  const std::size_t c = static_cast<std::size_t>(p.c), lanes = hn::Lanes(d);
  for (std::size_t r = 0; r < rows; ++r, src += c, dst += c) {
    Scales(p, src, squares, scale);
    for (std::size_t i = 0; i < c; i += lanes) {
      const FloatVector x = LoadPart(src + i, c - i, 0, 0.0F);
      StorePart(hn::Mul(x, Power(hn::LoadU(d, scale + i), -p.beta)), dst + i, c - i, 0);
    }
  }
}

/// `terms` is like squares, for the sums over the windows that hold a channel.
void ResponseBackward(const LocalResponseNormProblem& p, const float* src, const float* grad_dst, std::size_t rows,
                      float* squares, float* terms, float* scale, float* grad_src) {
  const FloatTag d;
  const std::size_t c = static_cast<std::size_t>(p.c), lanes = hn::Lanes(d), size = static_cast<std::size_t>(p.size);
  const FloatVector factor = hn::Set(d, -2.0F * p.alpha * p.beta / static_cast<float>(p.size));
  for (std::size_t r = 0; r < rows; ++r, src += c, grad_dst += c, grad_src += c) {
    Scales(p, src, squares, scale);
    for (std::size_t i = 0; i < c; i += lanes) {
      const FloatVector of_scale = hn::LoadU(d, scale + i);
      const FloatVector power = Power(of_scale, -p.beta);
      const FloatVector x = LoadPart(src + i, c - i, 0, 0.0F), grad = LoadPart(grad_dst + i, c - i, 0, 0.0F);
      StorePart(hn::Div(hn::Mul(hn::Mul(grad, x), power), of_scale), terms + p.above() + i, c - i, 0);
      hn::StoreU(power, d, scale + i);
    }
    for (std::size_t i = 0; i < c; i += lanes) {
      const FloatVector x = LoadPart(src + i, c - i, 0, 0.0F), grad = LoadPart(grad_dst + i, c - i, 0, 0.0F);
      const FloatVector shared = hn::Mul(hn::Mul(factor, x), SumWindow(terms + i, size));
      StorePart(hn::MulAdd(grad, hn::LoadU(d, scale + i), shared), grad_src + i, c - i, 0);
    }
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(ResponseForward);
HWY_EXPORT(ResponseBackward);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdLocalResponseNorm final : public LocalResponseNormKernel {
 public:
  explicit SimdLocalResponseNorm(const LocalResponseNormProblem& p)
      : p_(p), block_(std::min(p.rows, rows_per_task(p.c))), line_(round_up(p.c + p.size, kMostLanes) + kMostLanes) {}

  Index scratch_bytes() const override { return ceil_divide(p_.rows, block_) * kLines * line_ * isize(sizeof(float)); }

  void run(const LocalResponseNormBuffers& b) override {
    parallel_ranges(p_.rows, block_, [&](Index begin, Index end) {
      float* const lines = reinterpret_cast<float*>(b.scratch.data()) + begin / block_ * kLines * line_;
      std::fill_n(lines, kLines * line_, 0.0F);
      const Index first = begin * p_.c;
      const std::size_t rows = usize(end - begin);
      if (p_.pass == Pass::forward) {
        HWY_DYNAMIC_DISPATCH(ResponseForward)
        (p_, b.src.data() + first, rows, lines, lines + 2 * line_, b.dst.data() + first);
      } else {
        HWY_DYNAMIC_DISPATCH(ResponseBackward)
        (p_, b.src.data() + first, b.grad_dst.data() + first, rows, lines, lines + line_, lines + 2 * line_,
         b.grad_src.data() + first);
      }
    });
  }

 private:
  static constexpr Index kLines = 3;  // squares, terms, scales: of one row, for each task

  LocalResponseNormProblem p_;
  Index block_, line_;
};

}  // namespace

std::unique_ptr<LocalResponseNormKernel> make_local_response_norm(const LocalResponseNormProblem& problem) {
  return std::make_unique<SimdLocalResponseNorm>(problem);
}

}  // namespace saccade::kernels::simd
#endif
