#pragma once
#include <cstdint>

#include "saccade/kernels/conv_pool2d/forward.h"

namespace saccade::kernels::simd {

/// Working memory of a band of rows. Even and odd columns of an image lie apart, so that neighbouring windows read
/// neighbouring numbers.
struct PixelBand {
  float* planes;          ///< [rows, 2 parities, ic, plane], the image with its padding
  float* best;            ///< [lanes_oc, lanes]: the results of a vector of windows
  std::int32_t* winners;  ///< likewise
  float* transformed;     ///< what Winograd's sums want, too
  Index plane;

  Index row(Index ic) const { return 2 * ic * plane; }
};

/// Where the results of a vector of windows go.
struct PixelTables {
  const std::int32_t* windows;   ///< [oc * lanes]: the window of each result in the order of dst
  const std::int32_t* channels;  ///< and its channel
};

/// Vectors of neighbouring windows. Derived classes sum.
class WindowsForward : public ConvPoolForward {
 public:
  Index packed_floats() const final;
  void pack(const float* weight, const float* bias, float* packed) const final;
  Index band_floats(Index rows) const final;
  void run(const float* src, const float* packed, Index first, Index last, float* dst, std::uint8_t* taps,
           float* band) const final;

 protected:
  /// Floats of the weights as the sums want them, and of PixelBand::transformed.
  WindowsForward(const ConvPoolGeometry& g, Index weights, Index transformed);
  const ConvPoolGeometry& geometry() const { return g_; }
  static Index plane_of(const ConvPoolGeometry& g);

 private:
  virtual void pack_weights(const float* weight, float* to) const = 0;
  virtual void sum(const PixelBand& b, const PixelTables& tables, const float* bias, const float* weight,
                   const float* src, Index first, Index last, float* dst, std::uint8_t* taps) const = 0;

  Index table_floats() const;
  Index planes_floats(Index rows) const;
  Index results_floats() const;

  ConvPoolGeometry g_;
  Index weights_, transformed_;
};

}  // namespace saccade::kernels::simd
