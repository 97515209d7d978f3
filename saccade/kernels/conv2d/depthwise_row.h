#pragma once
#include <cstddef>
#include <limits>
#include <optional>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/window.h"

namespace saccade::kernels {

inline constexpr std::size_t kDepthwiseTaps = 3;  // columns of the window

/// What an activation leaves of a number x: min(max(x, low), high).
struct Bounds {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

/// Those of the activations that are no more than that: linear, relu and relu6.
inline std::optional<Bounds> bounds_of(Activation activation) {
  if (activation == Activation::linear) return Bounds();
  if (activation == Activation::relu) return Bounds{.low = 0};
  if (activation == Activation::relu6) return Bounds{.low = 0, .high = 6};
  return std::nullopt;
}

/// One row of the output, or some of its channels.
struct DepthwiseRow {
  const float* src;                       // the first row of the image that the window touches
  const float* weight;                    // [taps, channels], of that row's first tap on
  const float* bias;                      // [channels], or none
  float* dst;                             // [ow, channels]
  Index rows;                             // of the window that lie within the image
  Index row_stride;                       // floats from one row of the window to the next
  Index channels;                         // at least a vector of them
  Index src_step, weight_step, dst_step;  // floats from one pixel or tap to the next
  Index ow, iw, sw, pad;
  WholeWindows whole;  // the columns all of whose taps lie within the image
  Bounds bounds;       // of the result
};

}  // namespace saccade::kernels
