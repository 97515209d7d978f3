#pragma once
#include <cstddef>
#include <memory>
#include <span>

namespace saccade {

/// Uninitialised memory, 64-byte aligned (a cache line, and the widest vector register); copies are deep. Memory of
/// kHugePage bytes and more begins on a huge page, and Linux is asked to back it with such: a network's activations and
/// weights are walked in strides that reach a new page of 4 KiB with every row, and looking those up takes time.
/// Throws std::bad_alloc.
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size_bytes);
  AlignedBuffer(const AlignedBuffer& other);
  AlignedBuffer& operator=(const AlignedBuffer& other);
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  ~AlignedBuffer() = default;

  std::span<std::byte> bytes() noexcept { return {data_.get(), size_}; }
  std::span<const std::byte> bytes() const noexcept { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace saccade
