#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/tensor/tensor.h"

namespace saccade {

/// One piece of memory whose buffers share space when they are not alive at the same time. Lifetimes are declared
/// first, then allocate() lays everything out once. Every buffer is 64-byte aligned.
class Arena {
 public:
  using Id = std::size_t;

  /// A buffer of `size_bytes` that is alive at time `first`; extend() makes it live longer.
  Id add(Index size_bytes, Index first);
  /// The buffer is also alive at `time`, and at every time in between.
  void extend(Id id, Index time);

  /// Largest buffer first, each at the lowest offset that is free throughout its life.
  void allocate();
  std::span<std::byte> bytes(Id id);
  std::span<float> floats(Id id);

  Index size_bytes() const noexcept { return size_bytes_; }
  /// What the buffers would take without sharing.
  Index unshared_bytes() const noexcept;

 private:
  struct Buffer {
    Index size_bytes;
    Index first, last;
    Index offset = 0;
  };
  std::vector<Buffer> buffers_;
  Index size_bytes_ = 0;
  AlignedBuffer memory_;
};

}  // namespace saccade
