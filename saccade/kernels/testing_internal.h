#pragma once
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::kernels {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Memory for a kernel's scratch and saved buffers in the unit tests: 64-byte aligned, filled with NaN's bits.
class TestMemory {
 public:
  explicit TestMemory(Index size_bytes) : lines_(usize(ceil_divide(size_bytes, 64))), size_(usize(size_bytes)) {}
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(lines_)).first(size_); }

 private:
  struct alignas(64) Line {
    unsigned char bytes[64];
    Line() {
      for (unsigned char& byte : bytes) byte = 0xff;
    }
  };
  std::vector<Line> lines_;
  std::size_t size_;
};

}  // namespace saccade::kernels
