#include "saccade/augment/numpy_random.h"

#include <numeric>
#include <utility>

namespace saccade {

void NumpyRandom::seed(std::uint64_t seed) noexcept {
  state_[0] = static_cast<std::uint32_t>(seed);
  for (std::uint32_t i = 1; i < state_.size(); ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }
  used_ = state_.size();
}

void NumpyRandom::refill() noexcept {
  constexpr std::size_t n = 624, m = 397;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t y = (state_[i] & 0x80000000U) | (state_[(i + 1) % n] & 0x7fffffffU);
    state_[i] = state_[(i + m) % n] ^ (y >> 1) ^ ((y & 1U) != 0 ? 0x9908b0dfU : 0U);
  }
  used_ = 0;
}

std::uint32_t NumpyRandom::next() noexcept {
  if (used_ == state_.size()) refill();
  std::uint32_t y = state_[used_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  return y ^ (y >> 18);
}

double NumpyRandom::uniform() noexcept {
  const std::uint32_t high = next() >> 5, low = next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

std::uint32_t NumpyRandom::below(std::uint32_t count) noexcept {
  const std::uint32_t most = count - 1;
  if (most == 0) return 0;
  std::uint32_t mask = most;
  for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
  for (;;) {
    const std::uint32_t value = next() & mask;
    if (value <= most) return value;
  }
}

std::vector<Index> NumpyRandom::permutation(Index count) {
  std::vector<Index> order(usize(count));
  std::iota(order.begin(), order.end(), Index{0});
  for (Index i = count - 1; i >= 1; --i) {
    std::swap(order[usize(i)], order[below(static_cast<std::uint32_t>(i + 1))]);
  }
  return order;
}

}  // namespace saccade
