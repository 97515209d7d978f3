#pragma once
#include <cstdint>
#include <memory>

#include "saccade/kernels/conv_pool2d/geometry.h"

namespace saccade::kernels::simd {

/// How the forward pass is computed: by the definition's sums with two ways to fill the lanes of vectors, or by Winograd's.
class ConvPoolForward {
 public:
  ConvPoolForward() = default;
  ConvPoolForward(const ConvPoolForward&) = delete;
  ConvPoolForward& operator=(const ConvPoolForward&) = delete;
  virtual ~ConvPoolForward() = default;

  /// Floats of the weights and biases as run() wants them.
  virtual Index packed_floats() const = 0;
  virtual void pack(const float* weight, const float* bias, float* packed) const = 0;
  /// Floats of working memory for `rows` pooled rows, zeros before the first run() with it; runs with the same memory
  /// have the same `first` and `last`.
  virtual Index band_floats(Index rows) const = 0;
  /// Pooled rows first .. last-1 of the image `src`, into its `dst`; taps is null if nothing is kept.
  virtual void run(const float* src, const float* packed, Index first, Index last, float* dst, std::uint8_t* taps,
                   float* band) const = 0;
};

/// Vectors of output channels, the sums of some windows in registers.
std::unique_ptr<ConvPoolForward> make_forward_channels(const ConvPoolGeometry& g);

/// Vectors of neighbouring windows, the four sums of some channels in registers; the same sums in the same order.
std::unique_ptr<ConvPoolForward> make_forward_pixels(const ConvPoolGeometry& g);
/// Windows that one of those vectors holds.
Index lanes_of_pixels();

/// Vectors of output channels, a window by F(2 x 2, k x k): filters of 3 x 3 or 5 x 5, at most 16 input channels.
std::unique_ptr<ConvPoolForward> make_forward_channels_winograd(const ConvPoolGeometry& g);

/// Vectors of neighbouring windows, whose columns are by F(2, kh): filters with 3 or 5 rows.
std::unique_ptr<ConvPoolForward> make_forward_pixels_winograd(const ConvPoolGeometry& g);

}  // namespace saccade::kernels::simd
