#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// What turns stored pixels into the numbers a network was trained on. It belongs to the network, is stored in its file,
/// and is applied to every image last, after augmentation:
///   y[i] = (x[i] * scale - mean[c]) / deviation[c],   c = i mod channels (HWC order)
/// in single precision, rounded after each of the three steps and never contracted or turned into a multiplication by
/// the reciprocal, so that it agrees bit for bit with the same formula elsewhere. An empty `mean` subtracts nothing, an
/// empty `deviation` divides by nothing. Units: x in 0..255 as stored, mean and deviation after scaling (for 0..1 inputs
/// leave scale at 1/255; CIFAR ResNets: mean .485 .456 .406, deviation .229 .224 .225).
struct Preprocessing {
  float scale = 1.0F / 255.0F;
  std::vector<float> mean = {};       ///< Empty, or one value a channel.
  std::vector<float> deviation = {};  ///< Empty, or one value a channel; all above 0.

  /// Throws ValueError when scale is zero or not finite, when mean or deviation has neither zero nor `channels` values,
  /// or holds one that is not finite, or a deviation that is not above 0.
  void validate(Index channels) const;

  /// Whole pixels of an image or a batch, channels innermost; out.size() == pixels.size(). Throws ValueError when the
  /// sizes differ, are no multiple of the channel count, or validate() would. Allocates nothing. `out` may be the very
  /// same memory as `pixels`, but must not overlap it otherwise.
  void apply(std::span<const std::uint8_t> pixels, std::span<float> out) const;
  void apply(std::span<const float> pixels, std::span<float> out) const;

  /// Leaves the stored values as they are, as floats.
  static Preprocessing none() { return {.scale = 1.0F, .mean = {}, .deviation = {}}; }

  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

}  // namespace saccade
