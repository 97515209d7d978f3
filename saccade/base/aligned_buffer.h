#pragma once
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>

namespace saccade {

/// Uninitialised memory, 64-byte aligned (a cache line, and the widest vector register) or more; copies are deep, and
/// aligned as their source. Linux is asked to back the huge pages that lie within it whole with such: a network's
/// activations and weights are walked in strides that reach a new page of 4 KiB with every row, and looking those up
/// takes time. Throws std::bad_alloc.
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  AlignedBuffer() = default;
  /// `alignment`: a power of two, kAlignment or more. With kHugePage all of it lies on huge pages, which takes up to 2 MiB
  /// more: for what is large or lives long.
  explicit AlignedBuffer(std::size_t size_bytes, std::size_t alignment = kAlignment);
  AlignedBuffer(const AlignedBuffer& other);
  AlignedBuffer& operator=(const AlignedBuffer& other);
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  ~AlignedBuffer() = default;

  std::span<std::byte> bytes() noexcept { return {data_.get(), size_}; }
  std::span<const std::byte> bytes() const noexcept { return {data_.get(), size_}; }

  /// Such memory by itself, for what frees it again: null for no bytes.
  static std::byte* allocate(std::size_t size_bytes, std::size_t alignment = kAlignment);
  static void free(std::byte* memory) noexcept;

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { free(memory); }
  };
  std::unique_ptr<std::byte[], Free> data_;
  std::size_t size_ = 0;
  std::size_t alignment_ = kAlignment;
};

/// The same memory for containers.
template <class T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <class U>
  explicit(false) AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return reinterpret_cast<T*>(AlignedBuffer::allocate(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) noexcept { AlignedBuffer::free(reinterpret_cast<std::byte*>(memory)); }
  bool operator==(const AlignedAllocator&) const = default;
};

}  // namespace saccade
