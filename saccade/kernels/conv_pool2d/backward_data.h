#pragma once
#include <cstdint>

#include "saccade/kernels/conv_pool2d/geometry.h"

namespace saccade::kernels::simd {

/// The gradient of images. Each window adds, for each output channel whose gradient passes, that times the filter where
/// its winner lies. The sums of all channels stay in registers: the filter as it lies under the two rows of a window is a
/// choice of registers, and under its two columns it comes from a table that has it twice.
class DataGradient {
 public:
  /// Floats of that table, for all threads.
  static Index table_floats(const ConvPoolGeometry& g);
  static void pack(const ConvPoolGeometry& g, const float* weight, float* table);
  /// Memory that one wants.
  static Index floats(const ConvPoolGeometry& g);

  /// In memory aligned to a line of the cache.
  DataGradient(const ConvPoolGeometry& g, const float* table, float* memory);
  /// Of one image.
  void run(const float* grad_dst, Index room, const std::uint8_t* taps, float* grad_src);

  /// What the vector code sees.
  struct Memory {
    float* image;           ///< the gradient with its padding
    float* gradients;       ///< [ow, 2, list]: those of a row of windows that pass, winners above and below
    std::int32_t* offsets;  ///< likewise: where in the table their filters begin
    Index* counts;          ///< [ow, 2]: how many are in each list
    std::int32_t* filters;  ///< where in the table the filters of a vector of channels begin
    Index list;
  };

 private:
  const ConvPoolGeometry* g_;
  const float* table_;
  Memory m_;
};

}  // namespace saccade::kernels::simd
