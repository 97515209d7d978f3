#pragma once
#include <cstdint>

#include "saccade/kernels/conv_pool2d/geometry.h"

namespace saccade::kernels::simd {

/// The gradients of weights and biases, summed over some images. Each window adds, for each output channel, its gradient
/// times the pixels that the filter met where its winner lies: a few vectors along the rows of the image, whose sums stay
/// in registers from window to window. Nothing but addresses depends on what the numbers are: to pick the gradients that
/// are not zero would cost as much as it saves.
class WeightSums {
 public:
  /// Memory that one wants.
  static Index floats(const ConvPoolGeometry& g);

  /// In memory aligned to a line of the cache, whose sums are still there.
  WeightSums(const ConvPoolGeometry& g, float* memory);
  void clear();
  /// Adds an image, perhaps the batch's last. `room` floats of grad_dst may be read.
  void add_image(const float* src, bool is_last, const float* grad_dst, Index room, const std::uint8_t* taps);
  void add(const WeightSums& other);
  void store(float* grad_weight, float* grad_bias) const;

  /// What the vector code sees.
  struct Memory {
    float* image;           ///< with its padding, in rows of `row` floats
    float* gradients;       ///< [oh * ow, 8] of some channels, zero where none passes
    std::int32_t* offsets;  ///< likewise: where in `image` the winning pixels begin
    float* picked;          ///< of one channel, those that are not zero
    std::int32_t* picked_offsets;
    std::int32_t* columns;  ///< [ow, 4]: those of a window in row 0, for each winner
    float* sums;            ///< [oc, kh, sum_row]
    float* bias;            ///< [lanes_oc]
    Index row, sum_row;
    Index lead;    ///< floats before the first of a row
    Index second;  ///< where a row's second copy begins; 0 if there is none
  };

 private:
  const ConvPoolGeometry* g_;
  Memory m_;
};

}  // namespace saccade::kernels::simd
