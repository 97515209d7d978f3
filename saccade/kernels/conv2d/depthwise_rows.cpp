#include "saccade/kernels/conv2d/depthwise_rows.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/in_place_internal.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv2d/depthwise_rows.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

#ifndef SACCADE_KERNELS_CONV2D_DEPTHWISE_ROWS
#define SACCADE_KERNELS_CONV2D_DEPTHWISE_ROWS
namespace saccade::kernels {
namespace {

constexpr std::size_t kTaps = 3;  // columns of the window
constexpr Index kWindow = 3;

/// One row of the output.
struct DepthwiseRow {
  const float* src;     // the first row of the image that the window touches
  const float* weight;  // [taps, c], of that row's first tap on
  const float* bias;    // [c], or none
  float* dst;           // [ow, c]
  Index rows;           // of the window that lie within the image
  Index row_stride;     // floats from one row of the window to the next
  Index c, ow, iw, sw, pad;
  Index first_whole, last_whole;  // the columns all of whose taps lie within the image
  float low, high;                // the result is put between these
};

}  // namespace
}  // namespace saccade::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// min(max(x, low), high), NaN stays NaN: comparisons, because minimum and maximum lose it.
HWY_INLINE void StoreBetween(FloatVector x, FloatVector low, FloatVector high, float* to) {
  const FloatVector y = hn::IfThenElse(hn::Gt(x, high), high, hn::IfThenElse(hn::Lt(x, low), low, x));
  hn::StoreU(y, FloatTag(), to);
}

/// kPixels neighbouring pixels whose taps all exist, for the vector of channels that src, weight and dst point at. Each
/// pixel of src is loaded once for all that it takes part in.
template <Index kStride, std::size_t kPixels>
HWY_INLINE void WholePixels(const DepthwiseRow& r, const float* src, const float* weight, FloatVector bias,
                            FloatVector low, FloatVector high, float* dst) {
  const FloatTag d;
  FloatVector sum[kPixels];
#pragma GCC unroll 8
  for (std::size_t x = 0; x < kPixels; ++x) sum[x] = bias;
  const Index c = r.c;
  for (Index row = 0; row < r.rows; ++row) {
    FloatVector w[kTaps];
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kTaps; ++k) w[k] = hn::LoadU(d, weight + static_cast<Index>(k) * c);
#pragma GCC unroll 32
    for (std::size_t i = 0; i < (kPixels - 1) * kStride + kTaps; ++i) {
      const FloatVector v = hn::LoadU(d, src + static_cast<Index>(i) * c);
#pragma GCC unroll 8
      for (std::size_t x = 0; x < kPixels; ++x) {
        if (i >= x * kStride && i < x * kStride + kTaps) sum[x] = hn::MulAdd(w[i - x * kStride], v, sum[x]);
      }
    }
    weight += kWindow * c;
    src += r.row_stride;
  }
#pragma GCC unroll 8
  for (std::size_t x = 0; x < kPixels; ++x) StoreBetween(sum[x], low, high, dst + static_cast<Index>(x) * c);
}

/// Pixel x of a vector of channels with the taps that exist, in the same order.
HWY_INLINE void OnePixel(const DepthwiseRow& r, Index x, Index channel, FloatVector bias, FloatVector low,
                         FloatVector high) {
  const FloatTag d;
  FloatVector a = bias;
  for (Index row = 0; row < r.rows; ++row) {
    for (Index k = 0; k < kWindow; ++k) {
      const Index column = x * r.sw + k - r.pad;
      if (column < 0 || column >= r.iw) continue;
      const FloatVector w = hn::LoadU(d, r.weight + (row * kWindow + k) * r.c + channel);
      a = hn::MulAdd(w, hn::LoadU(d, r.src + row * r.row_stride + column * r.c + channel), a);
    }
  }
  StoreBetween(a, low, high, r.dst + x * r.c + channel);
}

/// Calls op(channel) for vectors that cover all channels. The last one goes back as far as it must to be whole: what is
/// written twice is the same.
template <class Op>
HWY_INLINE void EachVector(Index channels, Op&& op) {
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  Index first = 0;
  for (; first + lanes <= channels; first += lanes) op(first);
  if (first < channels) op(channels - lanes);
}

template <Index kStride>
void ComputeRow(const DepthwiseRow& r) {
  const FloatTag d;
  const FloatVector low = hn::Set(d, r.low), high = hn::Set(d, r.high);
  const auto bias_at = [&](Index channel)
                           HWY_ATTR { return r.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, r.bias + channel); };
  const auto one = [&](Index x) HWY_ATTR {
    EachVector(r.c, [&](Index channel) HWY_ATTR { OnePixel(r, x, channel, bias_at(channel), low, high); });
  };
  for (Index x = 0; x < r.first_whole; ++x) one(x);
  const auto whole = [&]<std::size_t kPixels>(Index x) HWY_ATTR {
    EachVector(r.c, [&](Index channel) HWY_ATTR {
      WholePixels<kStride, kPixels>(r, r.src + (x * r.sw - r.pad) * r.c + channel, r.weight + channel, bias_at(channel),
                                    low, high, r.dst + x * r.c + channel);
    });
  };
  Index x = r.first_whole;
  for (; x + 4 <= r.last_whole; x += 4) whole.template operator()<4>(x);
  for (; x < r.last_whole; ++x) whole.template operator()<1>(x);
  for (; x < r.ow; ++x) one(x);
}

void ComputeDepthwiseRow(const DepthwiseRow& r) { r.sw == 1 ? ComputeRow<1>(r) : ComputeRow<2>(r); }

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(ComputeDepthwiseRow);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

// An image makes so many tasks, or as many as keep the least of floats in each. A few rows together read rows above and
// below them that another core has, too.
constexpr Index kTasksAnImage = 16;
constexpr Index kLeastFloats = 4096;

class DepthwiseRows final : public Conv2DKernel {
 public:
  explicit DepthwiseRows(const Conv2DProblem& p)
      : p_(p),
        oh_(p.oh()),
        ow_(p.ow()),
        rows_a_task_(std::max(ceil_divide(oh_, kTasksAnImage), ceil_divide(kLeastFloats, ow_ * p.oc))),
        whole_(whole_windows(p.iw, p.kw, p.sw, p.dw, p.pw, ow_)) {
    if (p.activation == Activation::relu || p.activation == Activation::relu6) low_ = 0;
    if (p.activation == Activation::relu6) high_ = 6;
    const bool within_bounds = p.activation == Activation::linear || low_ == 0;
    const Index rows = p.n * oh_;
    for (Index first = 0; first < rows; first += rows_a_task_) {
      tasks_.emplace_back(within_bounds ? Activation::linear : p.activation,
                          std::min(rows_a_task_, rows - first) * ow_ * p.oc);
    }
  }

  void run(const Conv2DBuffers& b) override {
    parallel_for(isize(tasks_.size()), [&](Index task) {
      const Index first = task * rows_a_task_, last = std::min(first + rows_a_task_, p_.n * oh_);
      for (Index row = first; row < last; ++row) run_row(b, row);
      tasks_[usize(task)].run(b.dst.subspan(usize(first * ow_ * p_.oc), usize((last - first) * ow_ * p_.oc)));
    });
  }

 private:
  /// Row number `row` of all the images' rows.
  void run_row(const Conv2DBuffers& b, Index row) const {
    const Index image = row / oh_, top = row % oh_ * p_.sh - p_.ph.before;
    const Index first_tap = top < 0 ? std::min(ceil_divide(-top, p_.dh), p_.kh) : 0;
    const Index last_tap = std::clamp(ceil_divide(p_.ih - top, p_.dh), first_tap, p_.kh);
    const Index src_row = first_tap < last_tap ? image * p_.ih + top + first_tap * p_.dh : 0;
    HWY_DYNAMIC_DISPATCH(ComputeDepthwiseRow)
    ({.src = b.src.data() + src_row * p_.iw * p_.ic,
      .weight = b.weight.data() + first_tap * p_.kw * p_.ic,
      .bias = p_.bias ? b.bias.data() : nullptr,
      .dst = b.dst.data() + row * ow_ * p_.oc,
      .rows = last_tap - first_tap,
      .row_stride = p_.dh * p_.iw * p_.ic,
      .c = p_.ic,
      .ow = ow_,
      .iw = p_.iw,
      .sw = p_.sw,
      .pad = p_.pw.before,
      .first_whole = whole_.first,
      .last_whole = whole_.last,
      .low = low_,
      .high = high_});
  }

  Conv2DProblem p_;
  Index oh_, ow_, rows_a_task_;
  WholeWindows whole_;  // columns
  float low_ = -std::numeric_limits<float>::infinity(), high_ = std::numeric_limits<float>::infinity();
  std::vector<InPlaceActivation> tasks_;  // what is left to do to each task's result
};

}  // namespace

std::string decline_depthwise_rows(const Conv2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  if (p.groups == 1 || p.groups != p.ic || p.groups != p.oc) return "it is not depthwise";
  if (p.pass != Pass::forward) return "it is for forward passes alone";
  if (p.kw != kWindow || p.dw != 1 || p.sw > 2) return "the filter is not three wide, with stride 1 or 2";
  if (p.ic < kMostLanes) return "there are fewer channels than fill a vector";
  return {};
}

std::unique_ptr<Conv2DKernel> make_depthwise_rows(const Conv2DProblem& p) { return std::make_unique<DepthwiseRows>(p); }

}  // namespace saccade::kernels::simd
#endif
