#include "saccade/kernels/permute/permute_tiled.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"
#include "saccade/kernels/simd/turn_four.h"

namespace saccade::kernels::tiled {
namespace {

constexpr Index kTile = 32;

constexpr Index kFour = 4;

/// An axis of dst, and how far apart its neighbours stand.
struct Axis {
  Index extent, src_stride, dst_stride;
};

/// The problem that moves dst back.
PermuteProblem inverse(const PermuteProblem& p) {
  PermuteProblem result;
  result.order.resize(p.order.size());
  for (std::size_t k = 0; k < p.order.size(); ++k) {
    result.extents.push_back(p.extents[usize(p.order[k])]);
    result.order[usize(p.order[k])] = isize(k);
  }
  return result;
}

/// dst's axes, outermost first, without those of one element and with those joined that lie together on both sides.
std::vector<Axis> joined_axes(const PermuteProblem& p) {
  std::vector<Index> src_strides(p.extents.size(), 1);
  for (std::size_t axis = p.extents.size(); axis-- > 1;) src_strides[axis - 1] = src_strides[axis] * p.extents[axis];
  std::vector<Axis> axes;  // innermost first
  Index dst_stride = 1;
  for (std::size_t k = p.order.size(); k-- > 0;) {
    const Index extent = p.extents[usize(p.order[k])], src_stride = src_strides[usize(p.order[k])];
    if (extent == 1) continue;
    if (!axes.empty() && axes.back().src_stride * axes.back().extent == src_stride) {
      axes.back().extent *= extent;
    } else {
      axes.push_back({extent, src_stride, dst_stride});
    }
    dst_stride *= extent;
  }
  if (axes.empty()) axes.push_back({1, 1, 1});
  std::ranges::reverse(axes);
  return axes;
}

class TiledPermute final : public PermuteKernel {
 public:
  explicit TiledPermute(const PermuteProblem& p)
      : pass_(p.pass), outer_(joined_axes(p.pass == Pass::forward ? p : inverse(p))), row_(outer_.back()) {
    outer_.pop_back();
    if (row_.src_stride != 1) {
      const auto column = std::ranges::find(outer_, 1, &Axis::src_stride);
      column_ = *column;
      outer_.erase(column);
    }
    for (const Axis& axis : outer_) count_ *= axis.extent;
  }

  void run(const PermuteBuffers& b) override {
    const bool forward = pass_ == Pass::forward;
    const float* from = (forward ? b.src : b.grad_dst).data();
    float* to = (forward ? b.dst : b.grad_src).data();
    if (row_.src_stride == 1) {
      parallel_ranges(count_, simd::rows_per_task(row_.extent), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
          const auto [src, dst] = offsets(i);
          std::copy_n(from + src, row_.extent, to + dst);
        }
      });
      return;
    }
    const Index tiles = ceil_divide(column_.extent, kTile);
    parallel_ranges(count_ * tiles, simd::rows_per_task(kTile * row_.extent), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const auto [src, dst] = offsets(i / tiles);
        const Index first = i % tiles * kTile;
        turn(from + src, to + dst, first, std::min(first + kTile, column_.extent));
      }
    });
  }

 private:
  struct Offsets {
    Index src = 0, dst = 0;
  };
  Offsets offsets(Index i) const {
    Offsets result;
    for (std::size_t k = outer_.size(); k-- > 0;) {
      const Index position = i % outer_[k].extent;
      result.src += position * outer_[k].src_stride;
      result.dst += position * outer_[k].dst_stride;
      i /= outer_[k].extent;
    }
    return result;
  }

  /// src is contiguous along `column`, dst along `row`.
  void turn(const float* src, float* dst, Index first, Index last) const {
    for (Index begin = 0; begin < row_.extent; begin += kTile) {
      const Index end = std::min(begin + kTile, row_.extent);
      const Index fours_end = begin + (end - begin) / kFour * kFour,
                  fours_last = first + (last - first) / kFour * kFour;
      for (Index c = first; c < fours_last; c += kFour) {
        for (Index r = begin; r < fours_end; r += kFour) {
          simd::turn_four(src + r * row_.src_stride + c, row_.src_stride, dst + c * column_.dst_stride + r,
                          column_.dst_stride);
        }
      }
      for (Index c = first; c < last; ++c) {
        for (Index r = c < fours_last ? fours_end : begin; r < end; ++r) {
          dst[c * column_.dst_stride + r] = src[r * row_.src_stride + c];
        }
      }
    }
  }

  Pass pass_;
  std::vector<Axis> outer_;
  Axis row_;
  Axis column_{1, 1, 1};
  Index count_ = 1;
};

}  // namespace

std::unique_ptr<PermuteKernel> make_permute(const PermuteProblem& problem) {
  return std::make_unique<TiledPermute>(problem);
}

}  // namespace saccade::kernels::tiled
