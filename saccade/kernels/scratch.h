#pragma once
#include <cstddef>
#include <span>

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

}  // namespace saccade::kernels
