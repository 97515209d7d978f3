// What the loops of batch normalisation share. Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_NORM_NORM_VECTOR_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_NORM_NORM_VECTOR_INTERNAL_H
#undef SACCADE_KERNELS_NORM_NORM_VECTOR_INTERNAL_H
#else
#define SACCADE_KERNELS_NORM_NORM_VECTOR_INTERNAL_H
#endif

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/activation/rectify_internal.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// sum[0] += a, sum[1] += a * b, in double, where the products of floats are exact.
HWY_INLINE void AddSumAndProduct(FloatVector a, FloatVector b, DoubleVector* lower, DoubleVector* upper) {
  const DoubleVector a_lower = LowerDoubles(a), a_upper = UpperDoubles(a);
  lower[0] = hn::Add(lower[0], a_lower);
  upper[0] = hn::Add(upper[0], a_upper);
  lower[1] = hn::MulAdd(a_lower, LowerDoubles(b), lower[1]);
  upper[1] = hn::MulAdd(a_upper, UpperDoubles(b), upper[1]);
}

/// (src - mean) * factor + offset: the same bits wherever it is computed.
struct Normalised {
  FloatVector difference;  ///< src - mean
  FloatVector value;
};

HWY_INLINE Normalised NormalisedOf(FloatVector src, FloatVector mean, FloatVector factor, FloatVector offset) {
  const FloatVector difference = hn::Sub(src, mean);
  return {difference, hn::MulAdd(difference, factor, offset)};
}

/// grad * factor + (src - mean) * tilt + shift: the gradient before a normalisation from the one behind it, the same
/// bits wherever it is computed.
HWY_INLINE FloatVector GradientBefore(FloatVector grad, FloatVector difference, FloatVector factor, FloatVector tilt,
                                      FloatVector shift) {
  return hn::Add(hn::Mul(grad, factor), hn::MulAdd(difference, tilt, shift));
}

/// op(function) with the activation as a type.
template <class Op>
HWY_INLINE void WithFunction(Activation activation, Op&& op) {
  if (activation == Activation::relu) {
    op(Relu());
  } else if (activation == Activation::relu6) {
    op(Relu6());
  } else {
    op(Linear());
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
