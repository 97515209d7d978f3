#pragma once
#include "saccade/base/integer.h"

namespace saccade::kernels {

/// Zeros (or nothing, for pooling) put before and after one image axis.
struct Pads {
  Index before = 0;
  Index after = 0;
  friend bool operator==(const Pads&, const Pads&) = default;
};

/// Pixels that a window of k taps covers: (k - 1) * dilation + 1.
constexpr Index window_extent(Index k, Index dilation) noexcept { return (k - 1) * dilation + 1; }

/// Windows that fit: floor((in + before + after - extent) / stride) + 1, or 0 when none does.
constexpr Index window_count(Index in, Index k, Index stride, Index dilation, Pads pads) noexcept {
  const Index room = in + pads.before + pads.after - window_extent(k, dilation);
  return room < 0 ? 0 : room / stride + 1;
}

/// The windows first .. last-1 of `count` whose taps all lie on the image.
struct WholeWindows {
  Index first = 0;
  Index last = 0;
};
constexpr WholeWindows whole_windows(Index in, Index k, Index stride, Index dilation, Pads pads, Index count) noexcept {
  const Index reach =
      in - window_extent(k, dilation) + pads.before;  // where the last one may begin, in the padded image
  const Index fit = reach < 0 ? 0 : reach / stride + 1;
  const Index last = fit < count ? fit : count;
  const Index first = ceil_divide(pads.before, stride);
  return {first < last ? first : last, last};
}

/// TensorFlow's SAME: out = ceil(in / stride); total = max((out - 1) * stride + extent - in, 0); before = floor(total /
/// 2), the odd pixel goes after (bottom, right). Source: "Notes on padding", tf.nn.
constexpr Pads same_pads(Index in, Index k, Index stride, Index dilation) noexcept {
  const Index total = (ceil_divide(in, stride) - 1) * stride + window_extent(k, dilation) - in;
  return total <= 0 ? Pads{} : Pads{total / 2, total - total / 2};
}

}  // namespace saccade::kernels
