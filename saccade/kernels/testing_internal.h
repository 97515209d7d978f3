#pragma once
#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/integer.h"

namespace saccade::kernels {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Memory for a kernel's scratch and saved buffers in the unit tests: 64-byte aligned, filled with NaN's bits.
class TestMemory {
 public:
  explicit TestMemory(Index size_bytes) : memory_(usize(size_bytes)) {
    std::ranges::fill(memory_.bytes(), std::byte{0xff});
  }
  std::span<std::byte> bytes() { return memory_.bytes(); }

 private:
  AlignedBuffer memory_;
};

}  // namespace saccade::kernels
