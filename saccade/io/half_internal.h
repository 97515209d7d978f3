#pragma once
#include <bit>
#include <cstdint>

namespace saccade::internal {

/// IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. Every value, NaN payloads included, is a float32.
inline float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0x1FU) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13U);
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112U) << 23U | fraction << 13U);
}

/// bfloat16: the upper half of a float32.
inline float float_from_bfloat16(std::uint16_t upper) { return std::bit_cast<float>(std::uint32_t{upper} << 16U); }

}  // namespace saccade::internal
