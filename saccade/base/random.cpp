#include "saccade/base/random.h"

#include <cmath>
#include <numbers>

namespace saccade {
namespace {

constexpr std::uint32_t kMultiplier0 = 0xD2511F53U;
constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57U;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;
constexpr int kRounds = 10;

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t p0 = std::uint64_t{kMultiplier0} * counter[0];
    const std::uint64_t p1 = std::uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

Stream::Stream(std::uint64_t seed, std::uint32_t epoch, std::uint64_t sample, std::uint32_t slot) noexcept
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      counter_{0, slot, static_cast<std::uint32_t>(sample), epoch} {}

void Stream::refill() noexcept {
  block_ = philox(counter_, key_);
  ++counter_[0];
  used_ = 0;
}

Stream::result_type Stream::operator()() noexcept {
  if (used_ == 4) refill();
  return block_[static_cast<std::size_t>(used_++)];
}

float Stream::uniform() noexcept { return static_cast<float>((*this)() >> 8) * 0x1p-24F; }

double Stream::uniform_double() noexcept {
  const std::uint64_t high = (*this)() >> 5;
  const std::uint64_t low = (*this)() >> 6;
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

double Stream::uniform(double low, double high) noexcept {
  const double value = low + (high - low) * uniform_double();
  return value < high ? value : std::nextafter(high, low);  // the sum may have rounded up to the end
}

std::uint32_t Stream::below(std::uint32_t bound) noexcept {
  // Lemire's method: multiply, and redraw the few products that would favour small numbers.
  std::uint64_t product = std::uint64_t{(*this)()} * bound;
  if (static_cast<std::uint32_t>(product) < bound) {
    const std::uint32_t threshold = (0U - bound) % bound;
    while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{(*this)()} * bound;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

double Stream::normal() noexcept {
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform_double()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform_double());
}

std::uint32_t slot_of(const char* name) noexcept {
  std::uint32_t hash = 2166136261U;
  for (; *name != '\0'; ++name) hash = (hash ^ static_cast<unsigned char>(*name)) * 16777619U;
  return hash;
}

}  // namespace saccade
