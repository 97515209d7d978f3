#pragma once
#include <array>
#include <cstdint>

namespace saccade {

/// Philox4x32-10: 128 random bits for each counter and key (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// 2011). The numbers of Random123's reference.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) noexcept;

/// A random stream with an address instead of a history.
///
/// The numbers depend only on (seed, epoch, sample, slot) and on how many were taken from this very stream, so a
/// picture is the same for any number of threads, after a resume, and whatever other options draw.
/// Source: philox() with key = seed and counter = (block number, slot, sample, epoch), where `sample` keeps its low 32
/// bits.
class Stream {
 public:
  using result_type = std::uint32_t;

  Stream(std::uint64_t seed, std::uint32_t epoch, std::uint64_t sample, std::uint32_t slot) noexcept;

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xffffffffU; }

  /// 32 uniform bits.
  result_type operator()() noexcept;
  /// Uniform in [0, 1) with 24 bits: exactly representable in float.
  float uniform() noexcept;
  /// Uniform in [0, 1) with 53 bits.
  double uniform_double() noexcept;
  /// Uniform in [low, high), low <= high; low itself when they are equal.
  double uniform(double low, double high) noexcept;
  /// Uniform in 0 .. bound-1, without bias. bound >= 1.
  std::uint32_t below(std::uint32_t bound) noexcept;
  /// Standard normal (Box-Muller in double; two uniform doubles a number).
  double normal() noexcept;

 private:
  void refill() noexcept;

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

/// A slot or seed number from a name (FNV-1a), so that streams may be addressed by what they are for.
std::uint32_t slot_of(const char* name) noexcept;

}  // namespace saccade
