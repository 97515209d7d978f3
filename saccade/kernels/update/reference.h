#pragma once
#include <cmath>
#include <limits>

#include "saccade/kernels/update/update.h"

namespace saccade::kernels::reference {

/// The slots of one element.
template <class T>
struct UpdateState {
  T s0{}, s1{}, s2{};
};

template <class T>
T flush(T x) {
  return std::abs(x) < T(std::numeric_limits<float>::min()) ? T(0) : x;
}

/// One element under one rule: the formulas of UpdateRule, word for word.
template <class T>
void update(UpdateRule rule, const UpdateNumbers& n, T g, T& w, UpdateState<T>& s) {
  const T rate(n.rate), momentum(n.momentum), epsilon(n.epsilon);
  const auto average_square = [&] { s.s0 = flush(T(n.rho) * s.s0 + T(n.one_minus_rho) * (g * g)); };
  const auto centered_root = [&] {
    s.s1 = flush(T(n.rho) * s.s1 + T(n.one_minus_rho) * g);
    const T variance = s.s0 - s.s1 * s.s1;
    return std::sqrt((variance < T(0) ? T(0) : variance) + epsilon);
  };
  const auto moments = [&] {
    s.s0 = flush(s.s0 + (g - s.s0) * T(n.one_minus_beta_1));
    s.s1 = flush(s.s1 + (g * g - s.s1) * T(n.one_minus_beta_2));
  };
  switch (rule) {
    case UpdateRule::sgd:
      w = w - g * rate;
      break;
    case UpdateRule::momentum:
      s.s0 = flush(s.s0 * momentum - g * rate);
      w = w + s.s0;
      break;
    case UpdateRule::nesterov:
      s.s0 = flush(s.s0 * momentum - g * rate);
      w = w + (s.s0 * momentum - g * rate);
      break;
    case UpdateRule::rmsprop:
      average_square();
      w = w - rate * g / std::sqrt(s.s0 + epsilon);
      break;
    case UpdateRule::rmsprop_momentum:
      average_square();
      s.s1 = flush(momentum * s.s1 + rate * g / std::sqrt(s.s0 + epsilon));
      w = w - s.s1;
      break;
    case UpdateRule::rmsprop_centered:
      average_square();
      w = w - rate * g / centered_root();
      break;
    case UpdateRule::rmsprop_centered_momentum:
      average_square();
      s.s2 = flush(momentum * s.s2 + rate * g / centered_root());
      w = w - s.s2;
      break;
    case UpdateRule::adam:
      moments();
      w = w - s.s0 * rate / (std::sqrt(s.s1) + epsilon);
      break;
    case UpdateRule::amsgrad:
      moments();
      s.s2 = s.s1 > s.s2 ? s.s1 : s.s2;
      w = w - s.s0 * rate / (std::sqrt(s.s2) + epsilon);
      break;
  }
}

/// One slice, as UpdateSlice describes it.
inline void update_slice(UpdateRule rule, const UpdateNumbers& n, const UpdateSlice& slice) {
  const int slots = slot_count(rule);
  for (Index i = 0; i < slice.elements; ++i) {
    float& w = slice.weight[i];
    float& g = slice.grad[i];
    if (slice.grad_scale != 1.0F) g *= slice.grad_scale;
    if (g > n.clip_value) g = n.clip_value;
    if (g < -n.clip_value) g = -n.clip_value;
    if (slice.decay != 0.0F) w = w - w * slice.decay;
    UpdateState<float> state;
    if (slots > 0) state.s0 = slice.slots[0][i];
    if (slots > 1) state.s1 = slice.slots[1][i];
    if (slots > 2) state.s2 = slice.slots[2][i];
    update<float>(rule, n, g, w, state);
    if (slots > 0) slice.slots[0][i] = state.s0;
    if (slots > 1) slice.slots[1][i] = state.s1;
    if (slots > 2) slice.slots[2][i] = state.s2;
    if (slice.average != nullptr) {
      slice.average[i] = n.average_momentum * slice.average[i] + n.one_minus_average_momentum * w;
    }
  }
}

}  // namespace saccade::kernels::reference
