#pragma once
#include <type_traits>

#include "saccade/base/integer.h"

namespace saccade::kernels::reference {

/// Sums of floats are kept in double, so that a reference is good to the last bits of float; other types (double,
/// complex<double> for derivatives) are kept in themselves. Sums of small integers are exact either way.
template <class T>
using Sum = std::conditional_t<std::is_same_v<T, float>, double, T>;

/// Where the element [a, b, c, d] of a dense array stands; B, C and D are the inner extents.
constexpr Index at(Index a, Index b, Index B, Index c, Index C, Index d, Index D) noexcept {
  return ((a * B + b) * C + c) * D + d;
}

}  // namespace saccade::kernels::reference
