#include "saccade/kernels/upsample2d/upsample2d_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"
#include "saccade/kernels/upsample2d/taps.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/upsample2d/upsample2d_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// One output row between two input rows: `weight` is that of the lower one, `taps` are the columns'.
void BlendRow(const float* top, const float* bottom, float weight, const Tap* taps, std::size_t columns, std::size_t c,
              float* dst) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t x = 0; x < columns; ++x, dst += c) {
    const std::size_t left = static_cast<std::size_t>(taps[x].low) * c;
    const std::size_t right = static_cast<std::size_t>(taps[x].high) * c;
    const float column = static_cast<float>(taps[x].weight);
    const FloatVector top_left = hn::Set(d, (1.0F - weight) * (1.0F - column));
    const FloatVector top_right = hn::Set(d, (1.0F - weight) * column);
    const FloatVector bottom_left = hn::Set(d, weight * (1.0F - column));
    const FloatVector bottom_right = hn::Set(d, weight * column);
    for (std::size_t i = 0; i < c; i += lanes) {
      const std::size_t count = c - i;
      const auto load = [=](const float* from) HWY_ATTR { return LoadPart(from + i, count, 0, 0.0F); };
      FloatVector sum = hn::Mul(load(top + left), top_left);
      sum = hn::MulAdd(load(top + right), top_right, sum);
      sum = hn::MulAdd(load(bottom + left), bottom_left, sum);
      sum = hn::MulAdd(load(bottom + right), bottom_right, sum);
      StorePart(sum, dst + i, count, 0);
    }
  }
}

/// Adds one row of gradients to an input row, of which it is `weight`.
void SpreadRow(const float* grad_dst, float weight, const Tap* taps, std::size_t columns, std::size_t c,
               float* grad_src) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t x = 0; x < columns; ++x, grad_dst += c) {
    float* const left = grad_src + static_cast<std::size_t>(taps[x].low) * c;
    float* const right = grad_src + static_cast<std::size_t>(taps[x].high) * c;
    const float column = static_cast<float>(taps[x].weight);
    const FloatVector to_left = hn::Set(d, weight * (1.0F - column)), to_right = hn::Set(d, weight * column);
    for (std::size_t i = 0; i < c; i += lanes) {
      const std::size_t count = c - i;
      const FloatVector grad = LoadPart(grad_dst + i, count, 0, 0.0F);
      StorePart(hn::MulAdd(grad, to_left, LoadPart(left + i, count, 0, 0.0F)), left + i, count, 0);
      if (column == 0.0F) continue;
      StorePart(hn::MulAdd(grad, to_right, LoadPart(right + i, count, 0, 0.0F)), right + i, count, 0);
    }
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(BlendRow);
HWY_EXPORT(SpreadRow);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdUpSample2D final : public UpSample2DKernel {
 public:
  explicit SimdUpSample2D(const UpSample2DProblem& p)
      : p_(p), rows_(upsampling_taps(p.kind, p.ih, p.fh)), columns_(upsampling_taps(p.kind, p.iw, p.fw)) {}

  void run(const UpSample2DBuffers& b) override {
    if (p_.pass == Pass::forward) {
      parallel_ranges(p_.n * p_.oh(), rows_per_task(p_.ow() * p_.c), [&](Index begin, Index end) {
        for (Index row = begin; row < end; ++row) forward_row(b.src.data(), row, b.dst.data() + row * p_.ow() * p_.c);
      });
    } else {
      parallel_ranges(p_.n * p_.ih, rows_per_task(p_.fh * p_.ow() * p_.c), [&](Index begin, Index end) {
        for (Index row = begin; row < end; ++row) {
          backward_row(b.grad_dst.data(), row, b.grad_src.data() + row * p_.iw * p_.c);
        }
      });
    }
  }

 private:
  void forward_row(const float* src, Index row, float* dst) const {
    const Tap& tap = rows_[usize(row % p_.oh())];
    const float* const image = src + row / p_.oh() * p_.ih * p_.iw * p_.c;
    const float *top = image + tap.low * p_.iw * p_.c, *bottom = image + tap.high * p_.iw * p_.c;
    if (p_.kind == UpSampling::bilinear) {
      HWY_DYNAMIC_DISPATCH(BlendRow)
      (top, bottom, static_cast<float>(tap.weight), columns_.data(), usize(p_.ow()), usize(p_.c), dst);
      return;
    }
    for (const Tap& column : columns_) dst = std::copy_n(top + column.low * p_.c, p_.c, dst);
  }

  /// The output rows that an input row is a part of lie within one input row above and below it.
  void backward_row(const float* grad_dst, Index row, float* grad_src) const {
    const Index n = row / p_.ih, y = row % p_.ih;
    std::fill_n(grad_src, p_.iw * p_.c, 0.0F);
    const Index last = std::min((y + 2) * p_.fh, p_.oh());
    for (Index o = std::max<Index>((y - 1) * p_.fh, 0); o < last; ++o) {
      const Tap& tap = rows_[usize(o)];
      const double weight = (tap.low == y ? 1.0 - tap.weight : 0.0) + (tap.high == y ? tap.weight : 0.0);
      if (weight == 0.0) continue;
      HWY_DYNAMIC_DISPATCH(SpreadRow)
      (grad_dst + (n * p_.oh() + o) * p_.ow() * p_.c, static_cast<float>(weight), columns_.data(), usize(p_.ow()),
       usize(p_.c), grad_src);
    }
  }

  UpSample2DProblem p_;
  std::vector<Tap> rows_, columns_;
};

}  // namespace

std::unique_ptr<UpSample2DKernel> make_upsample2d(const UpSample2DProblem& problem) {
  return std::make_unique<SimdUpSample2D>(problem);
}

}  // namespace saccade::kernels::simd
#endif
