// ReLU and ReLU6 of a vector, for the kernels that compute them. Included once for every target, inside Highway's
// foreach_target.h.
#if defined(SACCADE_KERNELS_ACTIVATION_RECTIFY_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_ACTIVATION_RECTIFY_INTERNAL_H
#undef SACCADE_KERNELS_ACTIVATION_RECTIFY_INTERNAL_H
#else
#define SACCADE_KERNELS_ACTIVATION_RECTIFY_INTERNAL_H
#endif

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

// Comparisons, not minimum and maximum, because those lose NaN. Gradient() takes the value before or the result, as
// both lie on the same side of the bounds.

struct Linear {
  static constexpr bool kPlain = true;  ///< The gradient is grad, whatever the value.
  static HWY_INLINE FloatVector Forward(FloatVector x) { return x; }
  static HWY_INLINE FloatVector Gradient(FloatVector /*value*/, FloatVector grad) { return grad; }
};

struct Relu {
  static constexpr bool kPlain = false;
  static HWY_INLINE FloatVector Forward(FloatVector x) {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(FloatTag())), x);
  }
  static HWY_INLINE FloatVector Gradient(FloatVector value, FloatVector grad) {
    return hn::IfThenElseZero(hn::Gt(value, hn::Zero(FloatTag())), grad);
  }
};

struct Relu6 {
  static constexpr bool kPlain = false;
  static HWY_INLINE FloatVector Forward(FloatVector x) {
    const FloatTag d;
    const FloatVector zero = hn::Zero(d), six = hn::Set(d, 6.0F);
    return hn::IfThenElse(hn::Gt(x, six), six, hn::IfThenElse(hn::Lt(x, zero), zero, x));
  }
  static HWY_INLINE FloatVector Gradient(FloatVector value, FloatVector grad) {
    const FloatTag d;
    return hn::IfThenElseZero(hn::And(hn::Gt(value, hn::Zero(d)), hn::Lt(value, hn::Set(d, 6.0F))), grad);
  }
};

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
