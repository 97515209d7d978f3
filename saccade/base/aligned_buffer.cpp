#include "saccade/base/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace saccade {

std::byte* AlignedBuffer::allocate(std::size_t size_bytes, std::size_t alignment) {
  if (size_bytes == 0) return nullptr;
  // aligned_alloc wants whole multiples of the alignment; a size so large that rounding wraps cannot be had anyway.
  const std::size_t rounded = (size_bytes + alignment - 1) / alignment * alignment;
  if (rounded < size_bytes) throw std::bad_alloc();
  auto* const memory = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded));
  if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  // A system that has none refuses, and nothing is lost but time.
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::size_t before = (kHugePage - address % kHugePage) % kHugePage;
  const std::size_t pages = rounded < before ? 0 : (rounded - before) / kHugePage;
  if (pages > 0) madvise(memory + before, pages * kHugePage, MADV_HUGEPAGE);
#endif
  return memory;
}

void AlignedBuffer::free(std::byte* memory) noexcept { std::free(memory); }

AlignedBuffer::AlignedBuffer(std::size_t size_bytes, std::size_t alignment)
    : data_(allocate(size_bytes, alignment)), size_(size_bytes), alignment_(alignment) {}

AlignedBuffer::AlignedBuffer(const AlignedBuffer& other) : AlignedBuffer(other.size_, other.alignment_) {
  if (size_ > 0) std::memcpy(data_.get(), other.data_.get(), size_);
}

AlignedBuffer& AlignedBuffer::operator=(const AlignedBuffer& other) {
  if (this != &other) *this = AlignedBuffer(other);
  return *this;
}

AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)), alignment_(other.alignment_) {}

AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  data_ = std::move(other.data_);
  size_ = std::exchange(other.size_, 0);
  alignment_ = other.alignment_;
  return *this;
}

}  // namespace saccade
