#include "saccade/kernels/norm/batch_norm_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/norm/batch_statistics.h"
#include "saccade/kernels/norm/norm_pointers.h"
#include "saccade/kernels/simd/columns.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/norm/batch_norm_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/norm/norm_vector_internal.h"
#include "saccade/kernels/simd/columns_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// The gradient before the activation, and its product with src - mean.
template <class Function>
struct GradientTerms {
  const float* src;
  const float* mean;
  const float* factor;
  const float* offset;
  const float* grad_dst;

  HWY_INLINE void Vector(std::size_t i, std::size_t p, DoubleVector* lower, DoubleVector* upper) const {
    const FloatTag d;
    const Normalised x =
        NormalisedOf(hn::LoadU(d, src + i), hn::LoadU(d, mean + p), hn::LoadU(d, factor + p), hn::LoadU(d, offset + p));
    AddSumAndProduct(Function::Gradient(x.value, hn::LoadU(d, grad_dst + i)), x.difference, lower, upper);
  }
  void Scalar(std::size_t i, std::size_t p, double* term) const {
    const FloatTag d;
    const Normalised x =
        NormalisedOf(hn::Set(d, src[i]), hn::Set(d, mean[p]), hn::Set(d, factor[p]), hn::Set(d, offset[p]));
    term[0] = hn::GetLane(Function::Gradient(x.value, hn::Set(d, grad_dst[i])));
    term[1] = term[0] * static_cast<double>(hn::GetLane(x.difference));
  }
};

/// The same from the activation's result. Leaves the gradient in grad_shortcut, which may be grad_dst.
template <class Function>
struct ResidualGradientTerms {
  const float* src;
  const float* mean;
  const float* dst;  ///< Not read where the gradient is plain.
  const float* grad_dst;
  float* grad_shortcut;  ///< Or null.

  HWY_INLINE void Vector(std::size_t i, std::size_t p, DoubleVector* lower, DoubleVector* upper) const {
    const FloatTag d;
    const FloatVector grad_after = hn::LoadU(d, grad_dst + i);
    const FloatVector grad = Function::kPlain ? grad_after : Function::Gradient(hn::LoadU(d, dst + i), grad_after);
    if (grad_shortcut != nullptr) hn::StoreU(grad, d, grad_shortcut + i);
    AddSumAndProduct(grad, hn::Sub(hn::LoadU(d, src + i), hn::LoadU(d, mean + p)), lower, upper);
  }
  void Scalar(std::size_t i, std::size_t p, double* term) const {
    const FloatTag d;
    const float grad =
        Function::kPlain ? grad_dst[i] : hn::GetLane(Function::Gradient(hn::Set(d, dst[i]), hn::Set(d, grad_dst[i])));
    if (grad_shortcut != nullptr) grad_shortcut[i] = grad;
    term[0] = grad;
    term[1] = term[0] * static_cast<double>(src[i] - mean[p]);
  }
};

void GradientSums(const simd::Columns& columns, Index rows, Activation activation, const float* src,
                  const NormPointers& patterns, const float* grad_dst, double* sums) {
  WithFunction(activation, [&](auto function) HWY_ATTR {
    const GradientTerms<decltype(function)> terms{src, patterns.mean, patterns.factor, patterns.offset, grad_dst};
    SumColumns<2>(columns, rows, terms, sums);
  });
}

void ResidualGradientSums(const simd::Columns& columns, Index rows, Activation activation, const float* src,
                          const NormPointers& patterns, const float* dst, const float* grad_dst, float* grad_shortcut,
                          double* sums) {
  WithFunction(activation, [&](auto function) HWY_ATTR {
    const ResidualGradientTerms<decltype(function)> terms{src, patterns.mean, dst, grad_dst, grad_shortcut};
    SumColumns<2>(columns, rows, terms, sums);
  });
}

/// dst = act((src - mean) * factor + offset (+ shortcut))
void Normalise(const simd::Columns& columns, Index rows, Activation activation, const float* src, const float* shortcut,
               const NormPointers& patterns, float* dst) {
  const float *mean = patterns.mean, *factor = patterns.factor, *offset = patterns.offset;
  WithFunction(activation, [=, &columns](auto function) HWY_ATTR {
    ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
      const FloatTag d;
      FloatVector value = NormalisedOf(LoadPart(src + i, count, room, 0.0F), hn::LoadU(d, mean + p),
                                       hn::LoadU(d, factor + p), hn::LoadU(d, offset + p))
                              .value;
      if (shortcut != nullptr) value = hn::Add(value, LoadPart(shortcut + i, count, room, 0.0F));
      StorePart(decltype(function)::Forward(value), dst + i, count, room);
    });
  });
}

/// grad_src = grad * factor + (src - mean) * tilt + shift, with grad = grad_dst * act'
void NormaliseGradient(const simd::Columns& columns, Index rows, Activation activation, const float* src,
                       const float* grad_dst, const NormPointers& patterns, const float* tilt, const float* shift,
                       float* grad_src) {
  const float *mean = patterns.mean, *factor = patterns.factor, *offset = patterns.offset;
  WithFunction(activation, [=, &columns](auto function) HWY_ATTR {
    ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
      const FloatTag d;
      const FloatVector scale = hn::LoadU(d, factor + p);
      const Normalised x =
          NormalisedOf(LoadPart(src + i, count, room, 0.0F), hn::LoadU(d, mean + p), scale, hn::LoadU(d, offset + p));
      const FloatVector grad = decltype(function)::Gradient(x.value, LoadPart(grad_dst + i, count, room, 0.0F));
      StorePart(GradientBefore(grad, x.difference, scale, hn::LoadU(d, tilt + p), hn::LoadU(d, shift + p)),
                grad_src + i, count, room);
    });
  });
}

/// grad_src = grad * factor, with grad = grad_dst * act'
void ScaleGradient(const simd::Columns& columns, Index rows, Activation activation, const float* src,
                   const float* grad_dst, const NormPointers& patterns, float* grad_src) {
  const float *mean = patterns.mean, *factor = patterns.factor, *offset = patterns.offset;
  WithFunction(activation, [=, &columns](auto function) HWY_ATTR {
    ForColumns(columns, rows, [=](std::size_t i, std::size_t p, std::size_t count, std::size_t room) HWY_ATTR {
      const FloatTag d;
      const FloatVector scale = hn::LoadU(d, factor + p);
      FloatVector grad = LoadPart(grad_dst + i, count, room, 0.0F);
      if (!decltype(function)::kPlain) {
        const Normalised x =
            NormalisedOf(LoadPart(src + i, count, room, 0.0F), hn::LoadU(d, mean + p), scale, hn::LoadU(d, offset + p));
        grad = decltype(function)::Gradient(x.value, grad);
      }
      StorePart(hn::Mul(grad, scale), grad_src + i, count, room);
    });
  });
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(GradientSums);
HWY_EXPORT(ResidualGradientSums);
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
      : problem_(problem), columns_(problem.rows, problem.c), batch_(problem), c_(usize(problem.c)) {}

  Index saved_bytes() const override { return problem_.training ? ChannelStatistics::bytes(problem_.c) : 0; }
  Index scratch_bytes() const override {
    // More than batch_ takes.
    return 2 * (columns_.blocks() + 1) * problem_.c * isize(sizeof(double)) +
           kPatterns * columns_.pattern_size() * isize(sizeof(float));
  }

  void forward(const BatchNormBuffers& buffers) override {
    const Scratch scratch = cut(buffers.scratch);
    const ChannelStatistics used = statistics(buffers, scratch);
    if (problem_.training)
      batch_.measure(buffers.src, used, buffers.moving_mean, buffers.moving_variance, buffers.scratch);
    const NormPointers patterns = fill_patterns(buffers, used, scratch);
    const float* const shortcut = problem_.residual ? buffers.shortcut.data() : nullptr;
    for_blocks([&](Index rows, Index first, Index) {
      HWY_DYNAMIC_DISPATCH(Normalise)
      (columns_, rows, problem_.activation, buffers.src.data() + first, at(shortcut, first), patterns,
       buffers.dst.data() + first);
    });
  }

  void backward(const BatchNormBuffers& buffers) override {
    const Scratch scratch = cut(buffers.scratch);
    const ChannelStatistics used = statistics(buffers, scratch);
    const NormPointers patterns = fill_patterns(buffers, used, scratch);
    const bool sums_wanted = problem_.training || !buffers.grad_gamma.empty() || !buffers.grad_beta.empty();
    // The walk for the sums also writes grad_shortcut.
    if (sums_wanted || problem_.residual) sum_gradients(buffers, used, patterns, scratch);
    const std::span<const double> sum = scratch.sums.first(c_), dot = scratch.sums.subspan(c_, c_);
    for (std::size_t c = 0; c < buffers.grad_beta.size(); ++c) buffers.grad_beta[c] = static_cast<float>(sum[c]);
    for (std::size_t c = 0; c < buffers.grad_gamma.size(); ++c) buffers.grad_gamma[c] = static_cast<float>(dot[c]);
    if (buffers.grad_src.empty()) return;

    const float* const grad = problem_.residual ? buffers.grad_shortcut.data() : buffers.grad_dst.data();
    const Activation activation = problem_.residual ? Activation::linear : problem_.activation;
    if (!problem_.training) {
      for_blocks([&](Index rows, Index first, Index) {
        HWY_DYNAMIC_DISPATCH(ScaleGradient)
        (columns_, rows, activation, at(buffers.src.data(), first), grad + first, patterns,
         buffers.grad_src.data() + first);
      });
      return;
    }
    const Index rows_count = problem_.rows;
    columns_.fill_pattern(scratch.pattern[3],
                          [&](std::size_t c) { return used.tilt(buffers.gamma[c], dot[c], rows_count, c); });
    columns_.fill_pattern(scratch.pattern[4],
                          [&](std::size_t c) { return used.shift(buffers.gamma[c], sum[c], dot[c], rows_count, c); });
    for_blocks([&](Index rows, Index first, Index) {
      HWY_DYNAMIC_DISPATCH(NormaliseGradient)
      (columns_, rows, activation, buffers.src.data() + first, grad + first, patterns, scratch.pattern[3].data(),
       scratch.pattern[4].data(), buffers.grad_src.data() + first);
    });
  }

 private:
  static constexpr Index kPatterns = 5;

  struct Scratch {
    std::span<double> sums;    ///< [blocks, 2, c]
    ChannelStatistics frozen;  ///< Outside training.
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

  /// The statistics of the batch, or the moving ones.
  ChannelStatistics statistics(const BatchNormBuffers& buffers, const Scratch& scratch) const {
    if (problem_.training) {
      return ChannelStatistics::in(buffers.saved, c_);
    }
    for (std::size_t c = 0; c < c_; ++c) {
      scratch.frozen.mean[c] = buffers.moving_mean[c];
      scratch.frozen.inverse[c] = inverse_deviation(buffers.moving_variance[c], problem_.epsilon);
    }
    return scratch.frozen;
  }

  NormPointers fill_patterns(const BatchNormBuffers& buffers, const ChannelStatistics& used,
                             const Scratch& scratch) const {
    columns_.fill_pattern(scratch.pattern[0], [&](std::size_t c) { return used.mean[c]; });
    columns_.fill_pattern(scratch.pattern[1], [&](std::size_t c) { return used.factor(buffers.gamma[c], c); });
    columns_.fill_pattern(scratch.pattern[2],
                          [&](std::size_t c) { return used.offset(buffers.gamma[c], buffers.beta[c], c); });
    return {scratch.pattern[0].data(), scratch.pattern[1].data(), scratch.pattern[2].data()};
  }

  /// An array that may not be there.
  static const float* at(const float* array, Index first) { return array == nullptr ? nullptr : array + first; }

  template <class Task>
  void for_blocks(const Task& task) const {
    parallel_ranges(problem_.rows, columns_.block_rows(), [&](Index begin, Index end) {
      task(end - begin, begin * problem_.c, begin / columns_.block_rows());
    });
  }

  /// Leaves the sums of the gradient before the activation and of that * x_hat in scratch.sums.
  void sum_gradients(const BatchNormBuffers& buffers, const ChannelStatistics& used, const NormPointers& patterns,
                     const Scratch& scratch) const {
    for_blocks([&](Index rows, Index first, Index block) {
      const float* const src = buffers.src.data() + first;
      const float* const grad_dst = buffers.grad_dst.data() + first;
      double* const sums = scratch.sums.data() + usize(block) * 2 * c_;
      if (problem_.residual) {
        float* const grad_shortcut = buffers.grad_shortcut.empty() ? nullptr : buffers.grad_shortcut.data() + first;
        HWY_DYNAMIC_DISPATCH(ResidualGradientSums)
        (columns_, rows, problem_.activation, src, patterns, at(buffers.dst_in.data(), first), grad_dst, grad_shortcut,
         sums);
      } else {
        HWY_DYNAMIC_DISPATCH(GradientSums)
        (columns_, rows, problem_.activation, src, patterns, grad_dst, sums);
      }
    });
    columns_.combine(scratch.sums, 2 * problem_.c);
    for (std::size_t c = 0; c < c_; ++c) {
      double& dot = scratch.sums[c_ + c];
      dot = used.dot(scratch.sums[c], dot, c);
    }
  }

  BatchNormProblem problem_;
  Columns columns_;
  BatchStatistics batch_;
  std::size_t c_;
};

}  // namespace

bool takes_activation(Activation a) {
  return a == Activation::linear || a == Activation::relu || a == Activation::relu6;
}

std::string decline_batch_norm(const BatchNormProblem& problem) {
  return takes_activation(problem.activation) ? "" : "its activation is neither relu nor relu6";
}

std::unique_ptr<BatchNormKernel> make(const BatchNormProblem& problem) {
  return std::make_unique<SimdBatchNorm>(problem);
}

}  // namespace saccade::kernels::simd
#endif
