#include "saccade/kernels/conv2d/depthwise_rows.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/in_place_internal.h"
#include "saccade/kernels/conv2d/depthwise_row.h"
#include "saccade/kernels/scratch.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv2d/depthwise_rows.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv2d/depthwise_row_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

void ComputeDepthwiseRow(const DepthwiseRow& r) { ComputeRow(r); }

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
// A task that normalises what it reads takes more rows: those at its ends are normalised by its neighbours, too. So
// many floats stay in the second cache.
constexpr Index kBandFloats = 32768;

class DepthwiseRows final : public Conv2DKernel {
 public:
  explicit DepthwiseRows(const Conv2DProblem& p)
      : p_(p),
        oh_(p.oh()),
        ow_(p.ow()),
        rows_a_task_(rows_a_task(p)),
        whole_(whole_windows(p.iw, p.kw, p.sw, p.dw, p.pw, ow_)) {
    const std::optional<Bounds> bounds = bounds_of(p.activation);
    bounds_ = bounds.value_or(Bounds());
    const Index rows = p.n * oh_;
    for (Index first = 0; first < rows; first += rows_a_task_) {
      tasks_.emplace_back(bounds ? Activation::linear : p.activation,
                          std::min(rows_a_task_, rows - first) * ow_ * p.oc);
    }
    slots_ = isize(tasks_.size());
    if (p.norm) slots_ = std::min<Index>(thread_count(), slots_);
  }

  Index scratch_bytes() const override { return p_.norm ? slots_ * band_floats() * kFloatBytes : 0; }

  void run(const Conv2DBuffers& b) override {
    parallel_slots(slots_, isize(tasks_.size()), [&](Index slot, Index task) {
      const Index first = task * rows_a_task_, last = std::min(first + rows_a_task_, p_.n * oh_);
      if (p_.norm) {
        run_normalised(b, first, last, floats_at(b.scratch, slot * band_floats() * kFloatBytes));
      } else {
        for (Index row = first; row < last; ++row) run_row(b, row, b.src.data(), 0);
      }
      tasks_[usize(task)].run(b.dst.subspan(usize(first * ow_ * p_.oc), usize((last - first) * ow_ * p_.oc)));
    });
  }

 private:
  static Index rows_a_task(const Conv2DProblem& p) {
    const Index oh = p.oh();
    const Index rows = std::max(ceil_divide(oh, kTasksAnImage), ceil_divide(kLeastFloats, p.ow() * p.oc));
    return p.norm ? std::max(rows, std::min(oh, ceil_divide(kBandFloats, p.sh * p.iw * p.ic))) : rows;
  }

  Index row_floats() const { return p_.iw * p_.ic; }
  /// Of the source's rows that the windows of a task's rows touch, if they are those of one image.
  Index band_floats() const {
    return std::min(p_.ih, (std::min(rows_a_task_, oh_) - 1) * p_.sh + window_extent(p_.kh, p_.dh)) * row_floats();
  }

  /// The rows from first to last of all the images' rows, whose source rows are normalised into `band` first, image by
  /// image.
  void run_normalised(const Conv2DBuffers& b, Index first, Index last, float* band) const {
    while (first < last) {
      const Index image = first / oh_, end = std::min(last, (image + 1) * oh_);
      const auto top = [&](Index row) { return row % oh_ * p_.sh - p_.ph.before; };
      const Index begin = std::clamp<Index>(top(first), 0, p_.ih);
      const Index bottom = std::clamp<Index>(top(end - 1) + window_extent(p_.kh, p_.dh), begin, p_.ih);
      const Index top_row = image * p_.ih + begin;
      normalise_rows((bottom - begin) * p_.iw, p_.ic, *p_.norm, b.src.data() + top_row * row_floats(), b.norm, band);
      for (; first < end; ++first) run_row(b, first, band, top_row);
    }
  }

  /// Row number `row` of all the images' rows; `src` is row number top_row of the sources'.
  void run_row(const Conv2DBuffers& b, Index row, const float* src, Index top_row) const {
    const Index image = row / oh_, top = row % oh_ * p_.sh - p_.ph.before;
    const Index first_tap = top < 0 ? std::min(ceil_divide(-top, p_.dh), p_.kh) : 0;
    const Index last_tap = std::clamp(ceil_divide(p_.ih - top, p_.dh), first_tap, p_.kh);
    const Index src_row = first_tap < last_tap ? image * p_.ih + top + first_tap * p_.dh : top_row;
    HWY_DYNAMIC_DISPATCH(ComputeDepthwiseRow)
    ({.src = src + (src_row - top_row) * row_floats(),
      .weight = b.weight.data() + first_tap * p_.kw * p_.ic,
      .bias = p_.bias ? b.bias.data() : nullptr,
      .dst = b.dst.data() + row * ow_ * p_.oc,
      .rows = last_tap - first_tap,
      .row_stride = p_.dh * p_.iw * p_.ic,
      .channels = p_.ic,
      .src_step = p_.ic,
      .weight_step = p_.ic,
      .dst_step = p_.ic,
      .ow = ow_,
      .iw = p_.iw,
      .sw = p_.sw,
      .pad = p_.pw.before,
      .whole = whole_,
      .bounds = bounds_});
  }

  Conv2DProblem p_;
  Index oh_, ow_, rows_a_task_;
  Index slots_ = 1;                       // with a norm threads, each with memory for the band of a task
  WholeWindows whole_;                    // columns
  Bounds bounds_;                         // what is done of the activation before a result is written
  std::vector<InPlaceActivation> tasks_;  // what is left to do to each task's result
};

}  // namespace

std::string decline_depthwise_rows(const Conv2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  if (p.groups == 1 || p.groups != p.ic || p.groups != p.oc) return "it is not depthwise";
  if (p.pass != Pass::forward) return "it is for forward passes alone";
  if (p.kw != kDepthwiseTaps || p.dw != 1 || p.sw > 2) return "the filter is not three wide, with stride 1 or 2";
  if (p.ic < kMostLanes) return "there are fewer channels than fill a vector";
  return p.norm ? decline_channel_norm(p.ic, *p.norm) : "";
}

std::unique_ptr<Conv2DKernel> make_depthwise_rows(const Conv2DProblem& p) { return std::make_unique<DepthwiseRows>(p); }

}  // namespace saccade::kernels::simd
#endif
