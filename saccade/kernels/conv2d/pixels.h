#pragma once
#include <algorithm>
#include <cstddef>

#include "saccade/kernels/conv2d/depthwise_row.h"
#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels {

/// Neighbouring pixels, and some of the channels that a convolution of single pixels makes of them.
struct Pixels {
  const float* src;     // [pixels, ic]
  const float* weight;  // [ic, channels]
  const float* bias;    // [channels], or none
  float* dst;           // [pixels, channels]
  Index pixels, ic;
  Index channels;               // at least a vector of them
  Index weight_step, dst_step;  // floats from one row of the weight, or one pixel of dst, to the next
  Bounds bounds;                // of the result
};

/// Vectors of channels whose sums are in registers side by side.
inline constexpr std::size_t kPixelVectors = 3;

/// Channels first .. last-1.
struct ChannelRange {
  Index first, last;
  Index size() const { return last - first; }
};

/// The channels of a convolution in blocks of three of the widest vectors. Blocks are whole vectors, but for the last one, which
/// has the rest, too.
class ChannelBlocks {
 public:
  ChannelBlocks(Index channels, Index lanes)
      : channels_(channels), lanes_(lanes), count_(ceil_divide(channels / lanes, kWidth / lanes)) {}

  Index count() const { return count_; }
  ChannelRange operator[](Index block) const {
    return {begin(block), block + 1 < count_ ? begin(block + 1) : channels_};
  }
  /// Of the largest block.
  Index most() const {
    Index most = 0;
    for (Index block = 0; block < count_; ++block) most = std::max(most, (*this)[block].size());
    return most;
  }
  /// A weight [ic, channels] in the order in which it is read: block after block, [ic, channels of the block] each, from
  /// ic * first on.
  void arrange(const float* weight, Index ic, float* to) const {
    for (Index block = 0; block < count_; ++block) {
      const ChannelRange c = (*this)[block];
      for (Index i = 0; i < ic; ++i, to += c.size()) std::copy_n(weight + i * channels_ + c.first, c.size(), to);
    }
  }

 private:
  static constexpr Index kWidth = static_cast<Index>(kPixelVectors) * simd::kMostLanes;
  Index begin(Index block) const { return block * (channels_ / lanes_) / count_ * lanes_; }

  Index channels_, lanes_, count_;
};

}  // namespace saccade::kernels
