#pragma once
#include "saccade/kernels/arithmetic/arithmetic.h"

namespace saccade::kernels {

template <ArithmeticKind kKind, class T>
T arithmetic(T a, T b) {
  if constexpr (kKind == ArithmeticKind::add) return a + b;
  if constexpr (kKind == ArithmeticKind::subtract) return a - b;
  if constexpr (kKind == ArithmeticKind::multiply) return a * b;
  if constexpr (kKind == ArithmeticKind::divide) return a / b;
}

/// The gradient with respect to a, or to b where kOfB, of one element whose gradient is g.
template <ArithmeticKind kKind, bool kOfB, class T>
T arithmetic_gradient(T a, T b, T g) {
  if constexpr (kKind == ArithmeticKind::add) return g;
  if constexpr (kKind == ArithmeticKind::subtract) return kOfB ? -g : g;
  if constexpr (kKind == ArithmeticKind::multiply) return g * (kOfB ? a : b);
  if constexpr (kKind == ArithmeticKind::divide) return kOfB ? -(g * a) / (b * b) : g / b;
}

/// Calls call.template operator()<kind>().
template <class Call>
void for_kind(ArithmeticKind kind, Call call) {
  switch (kind) {
    case ArithmeticKind::add:
      return call.template operator()<ArithmeticKind::add>();
    case ArithmeticKind::subtract:
      return call.template operator()<ArithmeticKind::subtract>();
    case ArithmeticKind::multiply:
      return call.template operator()<ArithmeticKind::multiply>();
    case ArithmeticKind::divide:
      return call.template operator()<ArithmeticKind::divide>();
  }
}

}  // namespace saccade::kernels
