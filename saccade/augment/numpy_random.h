#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// NumPy's legacy generator (np.random.seed, uniform, permutation, choice): MT19937, bit for bit, for those who must repeat
/// what a Python program drew. It has a history; everything else here uses Stream, which has none.
/// Source: Matsumoto and Nishimura, "Mersenne Twister", 1998; NumPy 1.24's legacy distributions.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint64_t seed) noexcept { this->seed(seed); }

  /// np.random.seed(seed mod 2^32).
  void seed(std::uint64_t seed) noexcept;

  std::uint32_t next() noexcept;  ///< 32 uniform bits.
  double uniform() noexcept;      ///< np.random.random(): [0, 1) with 53 bits.
  /// np.random.uniform(low, high): low + (high - low) uniform().
  double uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }
  /// np.random.randint(0, count) and the place that np.random.choice picks; count >= 1. One choice takes no bits.
  std::uint32_t below(std::uint32_t count) noexcept;
  /// np.random.permutation(count).
  std::vector<Index> permutation(Index count);

 private:
  void refill() noexcept;

  std::array<std::uint32_t, 624> state_{};
  std::size_t used_ = 624;
};

}  // namespace saccade
