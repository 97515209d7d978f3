#pragma once
#include <span>
#include <vector>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// One term of an output: src at position `from` of the axis, times `weight`.
struct AxisTap {
  Index from = 0;
  double weight = 1.0;
};

/// Along one axis every output is a weighted sum of a few inputs; the other axes stay: parts of an axis, pads by
/// constants or by what stands there, means and sums, resampling of images.
///   forward:        dst[o,j,i] = sum of weight * src[o,from,i] over the taps of j; `fill` where j has none
///   backward_data:  grad_src[o,k,i] = sum of weight * grad_dst[o,j,i] over the taps that read k, in order of j
/// src [outer, in, inner], dst [outer, out(), inner], row-major.
struct AxisMapProblem {
  Pass pass = Pass::forward;
  Index outer = 1, in = 1, inner = 1;
  std::vector<Index> first;   ///< The taps of output j are taps[first[j]] up to, but not, taps[first[j + 1]].
  std::vector<AxisTap> taps;  ///< Each `from` at least 0 and below `in`.
  float fill = 0.0F;
  Index out() const { return isize(first.size()) - 1; }
};

struct AxisMapBuffers {
  std::span<const float> src, grad_dst;
  std::span<float> dst, grad_src;
};

using AxisMapKernel = Kernel<AxisMapBuffers>;
using AxisMapImplementation = Implementation<AxisMapProblem, AxisMapKernel>;
std::span<const AxisMapImplementation> axis_map_implementations();

}  // namespace saccade::kernels
