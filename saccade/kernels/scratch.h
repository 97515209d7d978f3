#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::kernels {

inline constexpr Index kFloatBytes = isize(sizeof(float));

/// Hands out consecutive, 64-byte aligned parts of a scratch area; used once to size it and in each run to cut it.
class ScratchLayout {
 public:
  /// Offset of the next part.
  Index add(Index size_bytes) {
    const Index offset = size_;
    size_ += round_up(size_bytes, kLine);
    return offset;
  }
  Index size_bytes() const { return size_; }

 private:
  static constexpr Index kLine = 64;
  Index size_ = 0;
};

/// The floats of the part at an offset that ScratchLayout gave.
inline float* floats_at(std::span<std::byte> scratch, Index offset) {
  return reinterpret_cast<float*>(scratch.data() + offset);
}

/// Working memory of a kernel whose caller brings none, or that must survive from one run to the next; 64-byte aligned.
class OwnScratch {
 public:
  explicit OwnScratch(Index size_bytes) : memory_(usize(size_bytes / kLine + 1)) {}
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(memory_)); }

 private:
  static constexpr Index kLine = 64;
  struct alignas(kLine) Line {
    std::array<std::byte, kLine> bytes;
  };
  std::vector<Line> memory_;
};

}  // namespace saccade::kernels
