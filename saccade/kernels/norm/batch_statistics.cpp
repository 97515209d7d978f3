#include "saccade/kernels/norm/batch_statistics.h"

#include "saccade/base/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/norm/batch_statistics.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/norm/norm_vector_internal.h"
#include "saccade/kernels/simd/columns_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// x - shift and its square.
struct MomentTerms {
  const float* src;
  const float* shift;

  HWY_INLINE void Vector(std::size_t i, std::size_t p, DoubleVector* lower, DoubleVector* upper) const {
    const FloatTag d;
    const FloatVector x = hn::Sub(hn::LoadU(d, src + i), hn::LoadU(d, shift + p));
    AddSumAndProduct(x, x, lower, upper);
  }
  void Scalar(std::size_t i, std::size_t p, double* term) const {
    term[0] = src[i] - shift[p];
    term[1] = term[0] * term[0];
  }
};

void MomentSums(const simd::Columns& columns, Index rows, const float* src, const float* shift, double* sums) {
  SumColumns<2>(columns, rows, MomentTerms{src, shift}, sums);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(MomentSums);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {

Index BatchStatistics::scratch_bytes() const {
  return columns_.blocks() * 2 * columns_.c() * isize(sizeof(double)) + columns_.pattern_size() * isize(sizeof(float));
}

void BatchStatistics::measure(std::span<const float> src, const ChannelStatistics& to, std::span<float> moving_mean,
                              std::span<float> moving_variance, std::span<std::byte> scratch) const {
  const std::size_t c = usize(columns_.c());
  const std::span<double> sums(reinterpret_cast<double*>(scratch.data()), usize(columns_.blocks()) * 2 * c);
  const std::span<float> shift(reinterpret_cast<float*>(sums.data() + sums.size()), usize(columns_.pattern_size()));
  columns_.fill_pattern(shift, [&](std::size_t i) { return src[i]; });
  parallel_ranges(columns_.rows(), columns_.block_rows(), [&](Index begin, Index end) {
    HWY_DYNAMIC_DISPATCH(MomentSums)
    (columns_, end - begin, src.data() + begin * columns_.c(), shift.data(),
     sums.data() + usize(begin / columns_.block_rows()) * 2 * c);
  });
  columns_.combine(sums, isize(2 * c));
  const double rows = static_cast<double>(columns_.rows()), momentum = static_cast<double>(momentum_);
  for (std::size_t i = 0; i < c; ++i) {
    const double difference = sums[i] / rows;
    const double square = sums[c + i] / rows - difference * difference;
    // Rounding may leave a channel without variance a little below zero; NaN stays.
    const double variance = square < 0.0 ? 0.0 : square;
    to.mean[i] = static_cast<double>(src[i]) + difference;
    to.inverse[i] = inverse_deviation(variance, epsilon_);
    const auto move = [&](float& moving, double value) {
      moving = static_cast<float>(momentum * static_cast<double>(moving) + (1.0 - momentum) * value);
    };
    move(moving_mean[i], to.mean[i]);
    move(moving_variance[i], variance);
  }
}

}  // namespace saccade::kernels::simd
#endif
