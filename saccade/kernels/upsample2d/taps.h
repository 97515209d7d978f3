#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "saccade/kernels/upsample2d/upsample2d.h"

namespace saccade::kernels {

/// What an output pixel is made of, along one axis: (1 - weight) src[low] + weight src[high].
struct Tap {
  Index low = 0, high = 0;
  double weight = 0.0;
};

/// One for each of the in * factor output pixels.
inline std::vector<Tap> upsampling_taps(UpSampling kind, Index in, Index factor) {
  std::vector<Tap> taps;
  for (Index o = 0; o < in * factor; ++o) {
    if (kind == UpSampling::nearest) {
      taps.push_back({o / factor, o / factor, 0.0});
      continue;
    }
    const double x = (static_cast<double>(o) + 0.5) / static_cast<double>(factor) - 0.5;
    const double low = std::floor(x);
    const Index first = static_cast<Index>(low);
    taps.push_back({std::max<Index>(first, 0), std::min(first + 1, in - 1), x - low});
  }
  return taps;
}

}  // namespace saccade::kernels
