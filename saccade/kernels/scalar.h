#pragma once
#include <complex>

namespace saccade::kernels {

/// The part of a number that decides a branch: itself, or the real part, so that complex-step differentiation,
/// df/dx = Im f(x + ih) / h, follows the branch that the real computation takes.
template <class T>
constexpr T branch_value(T x) {
  return x;
}
template <class T>
constexpr T branch_value(const std::complex<T>& x) {
  return x.real();
}

}  // namespace saccade::kernels
