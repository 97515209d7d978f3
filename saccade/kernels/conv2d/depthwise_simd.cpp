#include "saccade/kernels/conv2d/depthwise_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv2d/depthwise_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// One filter row of one image: sums[kw] += grad_dst[oh,ow] * src[ih,iw] over all the pixels, for the vector of `count`
/// channels that src and grad_dst point at. first_whole .. last_whole are the columns ow all of whose taps are real.
template <std::size_t kTaps>
HWY_INLINE void SumRow(const Conv2DProblem& p, const float* src, const float* grad_dst, Index kh, std::size_t count,
                       Index first_whole, Index last_whole, FloatVector* sums) {
  const Index oh = p.oh(), ow = p.ow(), c = p.ic;
  FloatVector sum[kTaps];
  for (std::size_t k = 0; k < kTaps; ++k) sum[k] = sums[k];
  for (Index y = 0; y < oh; ++y) {
    const Index ih = y * p.sh + kh * p.dh - p.ph.before;
    if (ih < 0 || ih >= p.ih) continue;
    const float* const row = src + ih * p.iw * c;
    const float* const grads = grad_dst + y * ow * c;
    const auto at_edge = [&](Index x) HWY_ATTR {
      const FloatVector grad = LoadPart(grads + x * c, count, 0, 0.0F);
      for (std::size_t k = 0; k < kTaps; ++k) {
        const Index iw = x * p.sw + static_cast<Index>(k) * p.dw - p.pw.before;
        if (iw < 0 || iw >= p.iw) continue;
        sum[k] = hn::MulAdd(grad, LoadPart(row + iw * c, count, 0, 0.0F), sum[k]);
      }
    };
    for (Index x = 0; x < first_whole; ++x) at_edge(x);
    for (Index x = first_whole; x < last_whole; ++x) {
      const FloatVector grad = LoadPart(grads + x * c, count, 0, 0.0F);
      const float* const from = row + (x * p.sw - p.pw.before) * c;
      for (std::size_t k = 0; k < kTaps; ++k) {
        sum[k] = hn::MulAdd(grad, LoadPart(from + static_cast<Index>(k) * p.dw * c, count, 0, 0.0F), sum[k]);
      }
    }
    for (Index x = last_whole; x < ow; ++x) at_edge(x);
  }
  for (std::size_t k = 0; k < kTaps; ++k) sums[k] = sum[k];
}

/// Every image, one filter after the other: sums [kh * kw, kMostLanes] in double, `count` channels of them. A whole vector
/// has its own code: its loads need no test.
template <std::size_t kTaps>
void SumFilters(const Conv2DProblem& p, const float* src, const float* grad_dst, std::size_t channels,
                Index first_whole, Index last_whole, double* sums) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t first = 0; first < channels; first += lanes) {
    const std::size_t count = channels - first < lanes ? channels - first : lanes;
    for (Index n = 0; n < p.n; ++n) {
      const float* const image = src + n * p.ih * p.iw * p.ic + first;
      const float* const grads = grad_dst + n * p.oh() * p.ow() * p.ic + first;
      for (Index kh = 0; kh < p.kh; ++kh) {
        FloatVector sum[kTaps];
        for (std::size_t k = 0; k < kTaps; ++k) sum[k] = hn::Zero(d);
        if (count == lanes) {
          SumRow<kTaps>(p, image, grads, kh, lanes, first_whole, last_whole, sum);
        } else {
          SumRow<kTaps>(p, image, grads, kh, count, first_whole, last_whole, sum);
        }
        for (std::size_t k = 0; k < kTaps; ++k) {
          HWY_ALIGN float values[hn::MaxLanes(d)];
          hn::Store(sum[k], d, values);
          double* const to = sums + (static_cast<std::size_t>(kh) * kTaps + k) * simd::kMostLanes + first;
          for (std::size_t i = 0; i < count; ++i) to[i] += static_cast<double>(values[i]);
        }
      }
    }
  }
}

void SumDepthwise(const Conv2DProblem& p, const float* src, const float* grad_dst, std::size_t channels,
                  Index first_whole, Index last_whole, double* sums) {
  switch (p.kw) {
    case 1:
      return SumFilters<1>(p, src, grad_dst, channels, first_whole, last_whole, sums);
    case 2:
      return SumFilters<2>(p, src, grad_dst, channels, first_whole, last_whole, sums);
    case 3:
      return SumFilters<3>(p, src, grad_dst, channels, first_whole, last_whole, sums);
    case 4:
      return SumFilters<4>(p, src, grad_dst, channels, first_whole, last_whole, sums);
    case 5:
      return SumFilters<5>(p, src, grad_dst, channels, first_whole, last_whole, sums);
    case 6:
      return SumFilters<6>(p, src, grad_dst, channels, first_whole, last_whole, sums);
    default:
      return SumFilters<7>(p, src, grad_dst, channels, first_whole, last_whole, sums);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(SumDepthwise);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

constexpr Index kMostTaps = 7;
constexpr Index kMostWeights = 64;

/// A task is kMostLanes channels of all the images: nothing has to be added up afterwards.
class DepthwiseWeights final : public Conv2DKernel {
 public:
  explicit DepthwiseWeights(const Conv2DProblem& p)
      : p_(p), whole_(whole_windows(p.iw, p.kw, p.sw, p.dw, p.pw, p.ow())) {}

  void run(const Conv2DBuffers& b) override {
    parallel_for(ceil_divide(p_.ic, kMostLanes), [&](Index task) {
      const Index first = task * kMostLanes;
      const std::size_t channels = usize(std::min(kMostLanes, p_.ic - first));
      double sums[kMostWeights * kMostLanes] = {};
      HWY_DYNAMIC_DISPATCH(SumDepthwise)
      (p_, b.src.data() + first, b.grad_dst.data() + first, channels, whole_.first, whole_.last, sums);
      for (Index tap = 0; tap < p_.kh * p_.kw; ++tap) {
        std::transform(sums + tap * kMostLanes, sums + tap * kMostLanes + channels,
                       b.grad_weight.data() + tap * p_.ic + first, [](double sum) { return static_cast<float>(sum); });
      }
      if (p_.bias) sum_biases(b, first, channels);
    });
  }

 private:
  void sum_biases(const Conv2DBuffers& b, Index first, std::size_t channels) const {
    double sums[kMostLanes] = {};
    const Index pixels = p_.n * p_.oh() * p_.ow();
    for (Index pixel = 0; pixel < pixels; ++pixel) {
      const float* const grads = b.grad_dst.data() + pixel * p_.ic + first;
      for (std::size_t i = 0; i < channels; ++i) sums[i] += static_cast<double>(grads[i]);
    }
    std::transform(sums, sums + channels, b.grad_bias.data() + first,
                   [](double sum) { return static_cast<float>(sum); });
  }

  Conv2DProblem p_;
  WholeWindows whole_;  // columns
};

}  // namespace

std::string decline_depthwise(const Conv2DProblem& p) {
  if (p.groups == 1 || p.groups != p.ic || p.groups != p.oc) return "it is not depthwise";
  if (p.pass != Pass::backward_weights) return "it is for the gradients of weights alone";
  if (p.kw > kMostTaps || p.kh * p.kw > kMostWeights) return "the filter is too large";
  return {};
}

std::unique_ptr<Conv2DKernel> make_depthwise(const Conv2DProblem& p) { return std::make_unique<DepthwiseWeights>(p); }

}  // namespace saccade::kernels::simd
#endif
