#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

namespace saccade {

/// Sizes, dimensions and indices. Signed, so that differences are safe.
using Index = std::int64_t;

/// A non-negative Index as the unsigned size that the standard containers take.
constexpr std::size_t usize(Index value) noexcept { return static_cast<std::size_t>(value); }

/// The size of a standard container as an Index.
constexpr Index isize(std::size_t value) noexcept { return static_cast<Index>(value); }

/// a * b, or nothing when the product does not fit. For sizes that come from a file.
constexpr std::optional<Index> checked_multiply(Index a, Index b) noexcept {
  Index product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// a + b, or nothing when the sum does not fit.
constexpr std::optional<Index> checked_add(Index a, Index b) noexcept {
  Index sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

/// Ceiling of a / b for a >= 0, b > 0.
constexpr Index ceil_divide(Index a, Index b) noexcept { return a / b + (a % b != 0 ? 1 : 0); }

/// The smallest multiple of `step` that is at least `value`.
constexpr Index round_up(Index value, Index step) noexcept { return ceil_divide(value, step) * step; }

}  // namespace saccade
