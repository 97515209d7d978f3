#pragma once
#include <cstddef>

#include "saccade/base/integer.h"

namespace saccade::kernels {

inline constexpr std::size_t kSweptTaps = 3;  // columns of the filter
inline constexpr std::size_t kMostSweptRows = 7;

/// A row of the source, or some of its channels, and the rows of grad_dst whose windows meet it.
struct SweptRow {
  const float* src;  // [iw, channels]
  float* grad_src;   // [iw, channels]
  struct Meeting {
    const float* grad_dst;  // [ow, channels]
    const float* weight;    // [3, channels], the taps that meet the row
    float* sums;            // [3, slots], where their gradients are added up
  };
  Meeting meetings[kMostSweptRows];
  std::size_t count;  // of them
  Index channels;     // at least a vector of them
  Index step;         // floats from one pixel or tap to the next
  Index slots;        // of a tap: channels in whole vectors
  Index iw, ow, pad;
  bool streams;  // Writes past the caches: grad_src and step are whole vectors then.
  // The rows that the next row of the source will want, fetched in the meantime.
  const float* next_src;
  const float* next_grad_dst;
};

/// What is added up from the tasks' sums [tasks, taps, slots] for a tap.
struct TapSums {
  const float* sums;
  Index tasks, task_stride, channels;
  float* grad_weight;
};

}  // namespace saccade::kernels
