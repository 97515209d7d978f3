#include "saccade/kernels/norm/batch_norm_simd.h"

#include <algorithm>
#include <cmath>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/columns.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/norm/batch_norm_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/columns_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// sum[0] += a, sum[1] += a * b, in double, where the products of floats are exact.
HWY_INLINE void AddSumAndProduct(FloatVector a, FloatVector b, DoubleVector* lower, DoubleVector* upper) {
  const DoubleVector a_lower = LowerDoubles(a), a_upper = UpperDoubles(a);
  lower[0] = hn::Add(lower[0], a_lower);
  upper[0] = hn::Add(upper[0], a_upper);
  lower[1] = hn::MulAdd(a_lower, LowerDoubles(b), lower[1]);
  upper[1] = hn::MulAdd(a_upper, UpperDoubles(b), upper[1]);
}

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

/// The gradient, and its product with x - mean.
struct GradientTerms {
  const float* src;
  const float* mean;
  const float* grad_dst;

  HWY_INLINE void Vector(std::size_t i, std::size_t p, DoubleVector* lower, DoubleVector* upper) const {
    const FloatTag d;
    const FloatVector x = hn::Sub(hn::LoadU(d, src + i), hn::LoadU(d, mean + p));
    AddSumAndProduct(hn::LoadU(d, grad_dst + i), x, lower, upper);
  }
  void Scalar(std::size_t i, std::size_t p, double* term) const {
    term[0] = grad_dst[i];
    term[1] = term[0] * static_cast<double>(src[i] - mean[p]);
  }
};

void MomentSums(const simd::Columns& columns, Index rows, const float* src, const float* shift, double* sums) {
  SumColumns<2>(columns, rows, MomentTerms{src, shift}, sums);
}

void GradientSums(const simd::Columns& columns, Index rows, const float* src, const float* mean, const float* grad_dst,
                  double* sums) {
  SumColumns<2>(columns, rows, GradientTerms{src, mean, grad_dst}, sums);
}

/// dst = (src - mean) * factor + offset
void Normalise(const simd::Columns& columns, Index rows, const float* src, const float* mean, const float* factor,
               const float* offset, float* dst) {
  ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
    const FloatTag d;
    const FloatVector x = hn::Sub(LoadPart(src + i, count, room, 0.0F), hn::LoadU(d, mean + p));
    StorePart(hn::MulAdd(x, hn::LoadU(d, factor + p), hn::LoadU(d, offset + p)), dst + i, count, room);
  });
}

/// grad_src = grad_dst * factor + (src - mean) * tilt + offset
void NormaliseGradient(const simd::Columns& columns, Index rows, const float* src, const float* grad_dst,
                       const float* mean, const float* factor, const float* tilt, const float* offset,
                       float* grad_src) {
  ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
    const FloatTag d;
    const FloatVector x = hn::Sub(LoadPart(src + i, count, room, 0.0F), hn::LoadU(d, mean + p));
    const FloatVector own = hn::Mul(LoadPart(grad_dst + i, count, room, 0.0F), hn::LoadU(d, factor + p));
    const FloatVector grad = hn::Add(own, hn::MulAdd(x, hn::LoadU(d, tilt + p), hn::LoadU(d, offset + p)));
    StorePart(grad, grad_src + i, count, room);
  });
}

/// grad_src = grad_dst * factor
void ScaleGradient(const simd::Columns& columns, Index rows, const float* grad_dst, const float* factor,
                   float* grad_src) {
  ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
    const FloatVector grad = LoadPart(grad_dst + i, count, room, 0.0F);
    StorePart(hn::Mul(grad, hn::LoadU(FloatTag(), factor + p)), grad_src + i, count, room);
  });
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(MomentSums);
HWY_EXPORT(GradientSums);
HWY_EXPORT(Normalise);
HWY_EXPORT(NormaliseGradient);
HWY_EXPORT(ScaleGradient);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

/// saved: mean and 1 / sqrt(variance + epsilon) of the batch, in double.
class SimdBatchNorm final : public BatchNormKernel {
 public:
  explicit SimdBatchNorm(const BatchNormProblem& problem)
      : problem_(problem), columns_(problem.rows, problem.c), c_(usize(problem.c)) {}

  Index saved_bytes() const override { return problem_.training ? 2 * problem_.c * isize(sizeof(double)) : 0; }
  Index scratch_bytes() const override {
    return 2 * (columns_.blocks() + 1) * problem_.c * isize(sizeof(double)) +
           kPatterns * columns_.pattern_size() * isize(sizeof(float));
  }

  void forward(const BatchNormBuffers& buffers) override {
    const Scratch scratch = cut(buffers.scratch);
    if (problem_.training) measure(buffers, scratch);
    const Statistics used = statistics(buffers, scratch);
    const auto factor = [&](std::size_t c) { return buffers.gamma[c] * used.inverse[c]; };
    fill_mean(used, scratch.pattern[0]);
    columns_.fill_pattern(scratch.pattern[1], factor);
    columns_.fill_pattern(scratch.pattern[2],
                          [&](std::size_t c) { return buffers.beta[c] + rounding(used, c) * factor(c); });
    for_blocks([&](Index rows, Index first, Index) {
      HWY_DYNAMIC_DISPATCH(Normalise)
      (columns_, rows, buffers.src.data() + first, scratch.pattern[0].data(), scratch.pattern[1].data(),
       scratch.pattern[2].data(), buffers.dst.data() + first);
    });
  }

  void backward(const BatchNormBuffers& buffers) override {
    const Scratch scratch = cut(buffers.scratch);
    const Statistics used = statistics(buffers, scratch);
    fill_mean(used, scratch.pattern[0]);
    const bool sums_wanted = problem_.training || !buffers.grad_gamma.empty() || !buffers.grad_beta.empty();
    if (sums_wanted) sum_gradients(buffers, used, scratch);
    const std::span<const double> sum = scratch.sums.first(c_), dot = scratch.sums.subspan(c_, c_);
    for (std::size_t c = 0; c < buffers.grad_beta.size(); ++c) buffers.grad_beta[c] = static_cast<float>(sum[c]);
    for (std::size_t c = 0; c < buffers.grad_gamma.size(); ++c) buffers.grad_gamma[c] = static_cast<float>(dot[c]);
    if (buffers.grad_src.empty()) return;

    const auto factor = [&](std::size_t c) { return buffers.gamma[c] * used.inverse[c]; };
    columns_.fill_pattern(scratch.pattern[1], factor);
    if (!problem_.training) {
      for_blocks([&](Index rows, Index first, Index) {
        HWY_DYNAMIC_DISPATCH(ScaleGradient)
        (columns_, rows, buffers.grad_dst.data() + first, scratch.pattern[1].data(), buffers.grad_src.data() + first);
      });
      return;
    }
    const double rows_count = static_cast<double>(problem_.rows);
    const auto tilt = [&](std::size_t c) { return -factor(c) * used.inverse[c] * dot[c] / rows_count; };
    columns_.fill_pattern(scratch.pattern[2], tilt);
    columns_.fill_pattern(scratch.pattern[3], [&](std::size_t c) {
      return -factor(c) * sum[c] / rows_count + rounding(used, c) * tilt(c);
    });
    for_blocks([&](Index rows, Index first, Index) {
      HWY_DYNAMIC_DISPATCH(NormaliseGradient)
      (columns_, rows, buffers.src.data() + first, buffers.grad_dst.data() + first, scratch.pattern[0].data(),
       scratch.pattern[1].data(), scratch.pattern[2].data(), scratch.pattern[3].data(),
       buffers.grad_src.data() + first);
    });
  }

 private:
  static constexpr Index kPatterns = 4;

  struct Statistics {
    std::span<double> mean, inverse;
  };
  struct Scratch {
    std::span<double> sums;  ///< [blocks, 2, c]
    Statistics frozen;       ///< Outside training.
    std::span<float> pattern[kPatterns];
  };

  Scratch cut(std::span<std::byte> bytes) const {
    Scratch scratch;
    double* doubles = reinterpret_cast<double*>(bytes.data());
    scratch.sums = {doubles, usize(columns_.blocks()) * 2 * c_};
    doubles += scratch.sums.size();
    scratch.frozen = {{doubles, c_}, {doubles + c_, c_}};
    float* floats = reinterpret_cast<float*>(doubles + 2 * c_);
    for (Index k = 0; k < kPatterns; ++k, floats += columns_.pattern_size()) {
      scratch.pattern[k] = {floats, usize(columns_.pattern_size())};
    }
    return scratch;
  }

  /// The statistics of the batch as measure() left them, or the moving ones.
  Statistics statistics(const BatchNormBuffers& buffers, const Scratch& scratch) const {
    if (problem_.training) {
      double* saved = reinterpret_cast<double*>(buffers.saved.data());
      return {{saved, c_}, {saved + c_, c_}};
    }
    for (std::size_t c = 0; c < c_; ++c) {
      scratch.frozen.mean[c] = buffers.moving_mean[c];
      scratch.frozen.inverse[c] = inverse_deviation(buffers.moving_variance[c]);
    }
    return scratch.frozen;
  }

  double inverse_deviation(double variance) const {
    return 1.0 / std::sqrt(variance + static_cast<double>(problem_.epsilon));
  }

  /// What rounding the mean to float, as the loops use it, leaves over.
  static double rounding(const Statistics& used, std::size_t c) {
    return static_cast<double>(static_cast<float>(used.mean[c])) - used.mean[c];
  }

  void fill_mean(const Statistics& used, std::span<float> pattern) const {
    columns_.fill_pattern(pattern, [&](std::size_t c) { return used.mean[c]; });
  }

  template <class Task>
  void for_blocks(const Task& task) const {
    parallel_ranges(problem_.rows, columns_.block_rows(), [&](Index begin, Index end) {
      task(end - begin, begin * problem_.c, begin / columns_.block_rows());
    });
  }

  /// Mean and variance of the batch, into buffers.saved and the moving statistics. One pass: the first row is taken off
  /// every row, so that the squares do not cancel when the mean is large.
  void measure(const BatchNormBuffers& buffers, const Scratch& scratch) const {
    columns_.fill_pattern(scratch.pattern[0], [&](std::size_t c) { return buffers.src[c]; });
    for_blocks([&](Index rows, Index first, Index block) {
      HWY_DYNAMIC_DISPATCH(MomentSums)
      (columns_, rows, buffers.src.data() + first, scratch.pattern[0].data(),
       scratch.sums.data() + usize(block) * 2 * c_);
    });
    columns_.combine(scratch.sums, 2 * problem_.c);
    const Statistics measured = statistics(buffers, scratch);
    const double rows = static_cast<double>(problem_.rows);
    const double momentum = static_cast<double>(problem_.momentum);
    for (std::size_t c = 0; c < c_; ++c) {
      const double difference = scratch.sums[c] / rows;
      const double square = scratch.sums[c_ + c] / rows - difference * difference;
      // Rounding may leave a channel without variance a little below zero; NaN stays.
      const double variance = square < 0.0 ? 0.0 : square;
      measured.mean[c] = static_cast<double>(buffers.src[c]) + difference;
      measured.inverse[c] = inverse_deviation(variance);
      const auto move = [&](float& moving, double value) {
        moving = static_cast<float>(momentum * static_cast<double>(moving) + (1.0 - momentum) * value);
      };
      move(buffers.moving_mean[c], measured.mean[c]);
      move(buffers.moving_variance[c], variance);
    }
  }

  /// Leaves the sums of grad_dst and of grad_dst * x_hat in scratch.sums.
  void sum_gradients(const BatchNormBuffers& buffers, const Statistics& used, const Scratch& scratch) const {
    for_blocks([&](Index rows, Index first, Index block) {
      HWY_DYNAMIC_DISPATCH(GradientSums)
      (columns_, rows, buffers.src.data() + first, scratch.pattern[0].data(), buffers.grad_dst.data() + first,
       scratch.sums.data() + usize(block) * 2 * c_);
    });
    columns_.combine(scratch.sums, 2 * problem_.c);
    for (std::size_t c = 0; c < c_; ++c) {
      double& dot = scratch.sums[c_ + c];
      dot = (dot + rounding(used, c) * scratch.sums[c]) * used.inverse[c];
    }
  }

  BatchNormProblem problem_;
  Columns columns_;
  std::size_t c_;
};

}  // namespace

std::unique_ptr<BatchNormKernel> make(const BatchNormProblem& problem) {
  return std::make_unique<SimdBatchNorm>(problem);
}

}  // namespace saccade::kernels::simd
#endif
