// What the vector implementations share. Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_SIMD_VECTOR_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_SIMD_VECTOR_INTERNAL_H
#undef SACCADE_KERNELS_SIMD_VECTOR_INTERNAL_H
#else
#define SACCADE_KERNELS_SIMD_VECTOR_INTERNAL_H
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstddef>

// Between these marks, here and in the sources, the compiler may use the target's instructions. No template or inline
// function that other code shares (std::min, std::span's members) may be instantiated there: the linker could take the
// version made for one target for the whole program.
HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using DoubleTag = hn::ScalableTag<double>;
using FloatVector = hn::Vec<FloatTag>;
using DoubleVector = hn::Vec<DoubleTag>;

/// The first `count` floats at `from`, the other lanes hold `fill`. `room` floats may be read; a vector that would
/// reach beyond them goes through a buffer.
HWY_INLINE FloatVector LoadPart(const float* from, std::size_t count, std::size_t room, float fill) {
  const FloatTag d;
  if (count >= hn::Lanes(d)) return hn::LoadU(d, from);
  if (room >= hn::Lanes(d)) return hn::IfThenElse(hn::FirstN(d, count), hn::LoadU(d, from), hn::Set(d, fill));
  HWY_ALIGN float buffer[hn::MaxLanes(d)];
  hn::Store(hn::Set(d, fill), d, buffer);
  for (std::size_t i = 0; i < count; ++i) buffer[i] = from[i];
  return hn::Load(d, buffer);
}

/// Writes the first `count` lanes. Up to `room` floats may be rewritten with what they hold already.
HWY_INLINE void StorePart(FloatVector v, float* to, std::size_t count, std::size_t room) {
  const FloatTag d;
  if (count >= hn::Lanes(d)) {
    hn::StoreU(v, d, to);
  } else if (room >= hn::Lanes(d)) {
    hn::BlendedStore(v, hn::FirstN(d, count), d, to);
  } else {
    HWY_ALIGN float buffer[hn::MaxLanes(d)];
    hn::Store(v, d, buffer);
    for (std::size_t i = 0; i < count; ++i) to[i] = buffer[i];
  }
}

/// exp(x) for x <= 0, and NaN for NaN (the library's function makes it 0).
HWY_INLINE FloatVector ExpNotPositive(FloatVector x) {
  const FloatTag d;
  return hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, x));
}

HWY_INLINE DoubleVector LowerDoubles(FloatVector v) {
  return hn::PromoteTo(DoubleTag(), hn::LowerHalf(hn::Half<FloatTag>(), v));
}
HWY_INLINE DoubleVector UpperDoubles(FloatVector v) {
  return hn::PromoteTo(DoubleTag(), hn::UpperHalf(hn::Half<FloatTag>(), v));
}

/// Calls op(vector) for `count` floats, to[i] = op(from[i]); to may be from.
template <class Op>
HWY_INLINE void Map(const float* from, float* to, std::size_t count, Op&& op) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(op(hn::LoadU(d, from + i)), d, to + i);
  if (i < count) StorePart(op(LoadPart(from + i, count - i, 0, 0.0F)), to + i, count - i, 0);
}

/// to[i] = op(a[i], b[i]); to may be a or b.
template <class Op>
HWY_INLINE void Map(const float* a, const float* b, float* to, std::size_t count, Op&& op) {
  const FloatTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(op(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, to + i);
  if (i < count) {
    const std::size_t rest = count - i;
    StorePart(op(LoadPart(a + i, rest, 0, 0.0F), LoadPart(b + i, rest, 0, 0.0F)), to + i, rest, 0);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
