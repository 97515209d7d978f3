#include "saccade/nn/arena.h"

#include <algorithm>
#include <numeric>

namespace saccade {

Arena::Id Arena::add(Index size_bytes, Index first) {
  buffers_.push_back({.size_bytes = size_bytes, .first = first, .last = first});
  return buffers_.size() - 1;
}

void Arena::extend(Id id, Index time) {
  buffers_[id].first = std::min(buffers_[id].first, time);
  buffers_[id].last = std::max(buffers_[id].last, time);
}

void Arena::allocate() {
  std::vector<Id> order(buffers_.size());
  std::iota(order.begin(), order.end(), Id{0});
  std::ranges::stable_sort(order, std::greater{}, [&](Id id) { return buffers_[id].size_bytes; });
  std::vector<Id> placed;  // by offset
  for (const Id id : order) {
    Buffer& buffer = buffers_[id];
    const Index size = round_up(buffer.size_bytes, isize(AlignedBuffer::kAlignment));
    Index offset = 0;
    for (const Id other_id : placed) {
      const Buffer& other = buffers_[other_id];
      if (other.last < buffer.first || buffer.last < other.first) continue;
      if (offset + size <= other.offset) break;
      offset = std::max(offset, other.offset + round_up(other.size_bytes, isize(AlignedBuffer::kAlignment)));
    }
    buffer.offset = offset;
    size_bytes_ = std::max(size_bytes_, offset + size);
    const auto place = std::ranges::upper_bound(placed, offset, {}, [&](Id p) { return buffers_[p].offset; });
    placed.insert(place, id);
  }
  // Read and written in every step: huge pages throughout, but not for what is a small part of one.
  const bool on_huge_pages = usize(size_bytes_) >= AlignedBuffer::kHugePage / 2;
  memory_ = AlignedBuffer(usize(size_bytes_), on_huge_pages ? AlignedBuffer::kHugePage : AlignedBuffer::kAlignment);
}

std::span<std::byte> Arena::bytes(Id id) {
  return memory_.bytes().subspan(usize(buffers_[id].offset), usize(buffers_[id].size_bytes));
}

std::span<float> Arena::floats(Id id) {
  const std::span<std::byte> memory = bytes(id);
  return {reinterpret_cast<float*>(memory.data()), memory.size() / sizeof(float)};
}

Index Arena::unshared_bytes() const noexcept {
  Index total = 0;
  for (const Buffer& buffer : buffers_) total += buffer.size_bytes;
  return total;
}

}  // namespace saccade
