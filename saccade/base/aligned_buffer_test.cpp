#include "saccade/base/aligned_buffer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <new>
#include <string>
#include <utility>

namespace saccade {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

std::uintptr_t address_of(const AlignedBuffer& buffer) {
  return reinterpret_cast<std::uintptr_t>(buffer.bytes().data());
}

/// The line "VmFlags:" of the mapping that holds an address; "" where the system tells nothing.
std::string flags_of(std::uintptr_t address) {
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t dash = line.find('-');
    if (dash != std::string::npos && line.find_first_not_of("0123456789abcdef-") == line.find(' ')) {
      inside = std::stoull(line, nullptr, 16) <= address && address < std::stoull(line.substr(dash + 1), nullptr, 16);
    } else if (inside && line.starts_with("VmFlags:")) {
      return line + ' ';
    }
  }
  return "";
}

TEST(AlignedBuffer, BeginsOnACacheLine) {
  for (const std::size_t size : {0U, 1U, 7U, 64U, 1000U, 1U << 19}) {
    const AlignedBuffer buffer(size);
    EXPECT_EQ(buffer.bytes().size(), size);
    EXPECT_EQ(address_of(buffer) % AlignedBuffer::kAlignment, 0U) << size;
  }
}

TEST(AlignedBuffer, LiesOnHugePagesWhereItIsAskedTo) {
  if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) GTEST_SKIP() << "the system has no huge pages";
  for (const std::size_t size : {std::size_t{1}, AlignedBuffer::kHugePage + 1}) {
    const AlignedBuffer buffer(size, AlignedBuffer::kHugePage);
    EXPECT_EQ(buffer.bytes().size(), size);
    for (const AlignedBuffer& one : {buffer, AlignedBuffer(buffer)}) {
      EXPECT_EQ(address_of(one) % AlignedBuffer::kHugePage, 0U);
      EXPECT_THAT(flags_of(address_of(one)), HasSubstr(" hg "));
      EXPECT_THAT(flags_of(address_of(one) + size - 1), HasSubstr(" hg "));
    }
  }
}

TEST(AlignedBuffer, TakesHugePagesThatLieWithinItWhole) {
  if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) GTEST_SKIP() << "the system has no huge pages";
  const AlignedBuffer large(3 * AlignedBuffer::kHugePage);
  EXPECT_THAT(flags_of(address_of(large) + AlignedBuffer::kHugePage), HasSubstr(" hg "));
}

TEST(AlignedBuffer, CopiesAreDeepAndMovesLeaveNothing) {
  AlignedBuffer first(100);
  std::ranges::fill(first.bytes(), std::byte{3});
  AlignedBuffer copy = first;
  std::ranges::fill(first.bytes(), std::byte{4});
  EXPECT_THAT(copy.bytes(), Each(std::byte{3}));
  copy = first;
  EXPECT_THAT(copy.bytes(), Each(std::byte{4}));
  const AlignedBuffer moved = std::move(copy);
  EXPECT_THAT(moved.bytes(), Each(std::byte{4}));
  EXPECT_THAT(copy.bytes(), IsEmpty());  // NOLINT(bugprone-use-after-move): what a move leaves is promised
}

TEST(AlignedBuffer, MoreThanThereIsThrows) {
  EXPECT_THROW(AlignedBuffer(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  EXPECT_THROW(AlignedBuffer(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
}

}  // namespace
}  // namespace saccade
