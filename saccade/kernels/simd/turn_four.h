#pragma once
#include "saccade/base/integer.h"

namespace saccade::kernels::simd {

/// Four floats anywhere in memory, which GCC and Clang keep in a vector of any processor.
using FourFloats [[gnu::vector_size(16), gnu::aligned(4), gnu::may_alias]] = float;

/// to[c * to_stride + r] = from[r * from_stride + c] for 0 <= r, c < 4.
inline void turn_four(const float* from, Index from_stride, float* to, Index to_stride) {
  const auto load = [&](Index r) { return *reinterpret_cast<const FourFloats*>(from + r * from_stride); };
  const auto store = [&](Index c, const FourFloats& x) { *reinterpret_cast<FourFloats*>(to + c * to_stride) = x; };
  const FourFloats a = load(0), b = load(1), c = load(2), d = load(3);
  const FourFloats ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), more_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const FourFloats cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), more_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store(0, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  store(1, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  store(2, __builtin_shufflevector(more_ab, more_cd, 0, 1, 4, 5));
  store(3, __builtin_shufflevector(more_ab, more_cd, 2, 3, 6, 7));
}

}  // namespace saccade::kernels::simd
