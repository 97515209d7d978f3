#include <cmath>

#include "saccade/kernels/simd/simd.h"
#include "saccade/kernels/update/update_simd_internal.h"

// Shared by all the versions of the code below, which includes itself.
#ifndef SACCADE_KERNELS_UPDATE_SIMD_MEMORY
#define SACCADE_KERNELS_UPDATE_SIMD_MEMORY
namespace saccade::kernels::simd {
namespace {

struct Memory {
  float* w;
  float* g;
  float* s0;
  float* s1;
  float* s2;
  float* average;
};

// What a slice asks for besides the rule.
struct Extras {
  float grad_scale;
  bool clip;
  float decay;
};

}  // namespace
}  // namespace saccade::kernels::simd
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/update/update_simd.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once for every target
#include <hwy/highway.h>

// Between these marks the compiler may use the target's instructions. Nothing but this file's own functions may be
// instantiated here: an inline function shared with other files could end up in the program in this target's version.
HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> Flush(D d, hn::Vec<D> x) {
  return hn::IfThenZeroElse(hn::Lt(hn::Abs(x), hn::Set(d, 1.17549435e-38F)), x);
}

struct Scale {
  float factor;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    hn::StoreU(hn::Mul(hn::LoadU(d, m.g + i), hn::Set(d, factor)), d, m.g + i);
  }
};

struct Clip {
  float limit;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    const auto high = hn::Set(d, limit);
    const auto low = hn::Set(d, -limit);
    auto g = hn::LoadU(d, m.g + i);
    g = hn::IfThenElse(hn::Gt(g, high), high, g);
    g = hn::IfThenElse(hn::Lt(g, low), low, g);
    hn::StoreU(g, d, m.g + i);
  }
};

struct Decay {
  float decay;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    const auto w = hn::LoadU(d, m.w + i);
    hn::StoreU(hn::Sub(w, hn::Mul(w, hn::Set(d, decay))), d, m.w + i);
  }
};

struct Average {
  float momentum;
  float one_minus_momentum;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    const auto average = hn::Mul(hn::Set(d, momentum), hn::LoadU(d, m.average + i));
    const auto w = hn::Mul(hn::Set(d, one_minus_momentum), hn::LoadU(d, m.w + i));
    hn::StoreU(hn::Add(average, w), d, m.average + i);
  }
};

struct Sgd {
  float rate;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    const auto step = hn::Mul(hn::LoadU(d, m.g + i), hn::Set(d, rate));
    hn::StoreU(hn::Sub(hn::LoadU(d, m.w + i), step), d, m.w + i);
  }
};

template <bool kNesterov>
struct Momentum {
  float rate;
  float momentum;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    const auto mu = hn::Set(d, momentum);
    const auto step = hn::Mul(hn::LoadU(d, m.g + i), hn::Set(d, rate));
    const auto velocity = Flush(d, hn::Sub(hn::Mul(hn::LoadU(d, m.s0 + i), mu), step));
    const auto change = kNesterov ? hn::Sub(hn::Mul(velocity, mu), step) : velocity;
    hn::StoreU(velocity, d, m.s0 + i);
    hn::StoreU(hn::Add(hn::LoadU(d, m.w + i), change), d, m.w + i);
  }
};

template <bool kCentered, bool kMomentum>
struct RmsProp {
  float rate;
  float momentum;
  float rho;
  float one_minus_rho;
  float epsilon;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    const auto r = hn::Set(d, rho);
    const auto q = hn::Set(d, one_minus_rho);
    const auto g = hn::LoadU(d, m.g + i);
    const auto square = Flush(d, hn::Add(hn::Mul(r, hn::LoadU(d, m.s0 + i)), hn::Mul(q, hn::Mul(g, g))));
    hn::StoreU(square, d, m.s0 + i);
    auto variance = square;
    if (kCentered) {
      const auto mean = Flush(d, hn::Add(hn::Mul(r, hn::LoadU(d, m.s1 + i)), hn::Mul(q, g)));
      hn::StoreU(mean, d, m.s1 + i);
      variance = hn::Sub(square, hn::Mul(mean, mean));
      variance = hn::IfThenZeroElse(hn::Lt(variance, hn::Zero(d)), variance);
    }
    const auto root = hn::Sqrt(hn::Add(variance, hn::Set(d, epsilon)));
    auto change = hn::Div(hn::Mul(hn::Set(d, rate), g), root);
    if (kMomentum) {
      float* velocity = kCentered ? m.s2 : m.s1;
      change = Flush(d, hn::Add(hn::Mul(hn::Set(d, momentum), hn::LoadU(d, velocity + i)), change));
      hn::StoreU(change, d, velocity + i);
    }
    hn::StoreU(hn::Sub(hn::LoadU(d, m.w + i), change), d, m.w + i);
  }
};

template <bool kAmsgrad>
struct Adam {
  float rate;
  float one_minus_beta_1;
  float one_minus_beta_2;
  float epsilon;
  template <class D>
  HWY_INLINE void operator()(D d, const Memory& m, size_t i) const {
    const auto g = hn::LoadU(d, m.g + i);
    auto first = hn::LoadU(d, m.s0 + i);
    auto second = hn::LoadU(d, m.s1 + i);
    first = Flush(d, hn::Add(first, hn::Mul(hn::Sub(g, first), hn::Set(d, one_minus_beta_1))));
    second = Flush(d, hn::Add(second, hn::Mul(hn::Sub(hn::Mul(g, g), second), hn::Set(d, one_minus_beta_2))));
    hn::StoreU(first, d, m.s0 + i);
    hn::StoreU(second, d, m.s1 + i);
    if (kAmsgrad) {
      const auto largest = hn::LoadU(d, m.s2 + i);
      second = hn::IfThenElse(hn::Gt(second, largest), second, largest);
      hn::StoreU(second, d, m.s2 + i);
    }
    const auto root = hn::Add(hn::Sqrt(second), hn::Set(d, epsilon));
    const auto change = hn::Div(hn::Mul(first, hn::Set(d, rate)), root);
    hn::StoreU(hn::Sub(hn::LoadU(d, m.w + i), change), d, m.w + i);
  }
};

// Whole vectors, then the rest one by one with the same instructions.
template <class Step>
HWY_INLINE void ForEach(const Step& step, const Memory& memory, size_t elements) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= elements; i += hn::Lanes(d)) step(d, memory, i);
  for (; i < elements; ++i) step(one, memory, i);
}

HWY_INLINE void Apply(UpdateRule rule, const UpdateNumbers& n, const Memory& m, size_t elements) {
  switch (rule) {
    case UpdateRule::sgd:
      return ForEach(Sgd{n.rate}, m, elements);
    case UpdateRule::momentum:
      return ForEach(Momentum<false>{n.rate, n.momentum}, m, elements);
    case UpdateRule::nesterov:
      return ForEach(Momentum<true>{n.rate, n.momentum}, m, elements);
    case UpdateRule::rmsprop:
      return ForEach(RmsProp<false, false>{n.rate, n.momentum, n.rho, n.one_minus_rho, n.epsilon}, m, elements);
    case UpdateRule::rmsprop_momentum:
      return ForEach(RmsProp<false, true>{n.rate, n.momentum, n.rho, n.one_minus_rho, n.epsilon}, m, elements);
    case UpdateRule::rmsprop_centered:
      return ForEach(RmsProp<true, false>{n.rate, n.momentum, n.rho, n.one_minus_rho, n.epsilon}, m, elements);
    case UpdateRule::rmsprop_centered_momentum:
      return ForEach(RmsProp<true, true>{n.rate, n.momentum, n.rho, n.one_minus_rho, n.epsilon}, m, elements);
    case UpdateRule::adam:
      return ForEach(Adam<false>{n.rate, n.one_minus_beta_1, n.one_minus_beta_2, n.epsilon}, m, elements);
    case UpdateRule::amsgrad:
      return ForEach(Adam<true>{n.rate, n.one_minus_beta_1, n.one_minus_beta_2, n.epsilon}, m, elements);
  }
}

HWY_NOINLINE void Update(UpdateRule rule, const UpdateNumbers& n, const Extras& extras, const Memory& m,
                         size_t elements) {
  // Each pass finds the slice in the cache where the one before left it.
  if (extras.grad_scale != 1.0F) ForEach(Scale{extras.grad_scale}, m, elements);
  if (extras.clip) ForEach(Clip{n.clip_value}, m, elements);
  if (extras.decay != 0.0F) ForEach(Decay{extras.decay}, m, elements);
  Apply(rule, n, m, elements);
  if (m.average != nullptr) ForEach(Average{n.average_momentum, n.one_minus_average_momentum}, m, elements);
}

}  // namespace
}  // namespace saccade::kernels::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels::simd {

HWY_EXPORT(Update);

void update_slice(UpdateRule rule, const UpdateNumbers& numbers, const UpdateSlice& slice) {
  const Memory memory{slice.weight, slice.grad, slice.slots[0], slice.slots[1], slice.slots[2], slice.average};
  const Extras extras{slice.grad_scale, std::isfinite(numbers.clip_value), slice.decay};
  HWY_DYNAMIC_DISPATCH(Update)(rule, numbers, extras, memory, static_cast<size_t>(slice.elements));
}

}  // namespace saccade::kernels::simd
#endif
