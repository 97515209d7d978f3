// The matrices of Winograd's minimal filtering (see winograd_transform_internal.h), each as what it makes of one column.
// Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_CONV2D_WINOGRAD_MATRICES_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_CONV2D_WINOGRAD_MATRICES_INTERNAL_H
#undef SACCADE_KERNELS_CONV2D_WINOGRAD_MATRICES_INTERNAL_H
#else
#define SACCADE_KERNELS_CONV2D_WINOGRAD_MATRICES_INTERNAL_H
#endif

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

template <class V>
HWY_INLINE V Times(float factor, V v) {
  return hn::Mul(hn::Set(hn::DFromV<V>(), factor), v);
}
/// factor * v + w
template <class V>
HWY_INLINE V TimesAdd(float factor, V v, V w) {
  return hn::MulAdd(hn::Set(hn::DFromV<V>(), factor), v, w);
}

/// B^T, which depends on the points alone.
template <Index points>
struct SourceMatrix;

template <>
struct SourceMatrix<4> {
  static constexpr Index kFrom = 4, kTo = 4;
  template <class V>
  static HWY_INLINE void Apply(const V* d, V* t) {
    t[0] = hn::Sub(d[0], d[2]);
    t[1] = hn::Add(d[1], d[2]);
    t[2] = hn::Sub(d[2], d[1]);
    t[3] = hn::Sub(d[3], d[1]);
  }
};

template <>
struct SourceMatrix<6> {
  static constexpr Index kFrom = 6, kTo = 6;
  template <class V>
  static HWY_INLINE void Apply(const V* d, V* t) {
    const V even1 = TimesAdd(-4.0F, d[2], d[4]), odd1 = TimesAdd(-4.0F, d[1], d[3]);
    const V even2 = hn::Sub(d[4], d[2]), odd2 = Times(2.0F, hn::Sub(d[3], d[1]));
    t[0] = TimesAdd(4.0F, d[0], TimesAdd(-5.0F, d[2], d[4]));
    t[1] = hn::Add(even1, odd1);
    t[2] = hn::Sub(even1, odd1);
    t[3] = hn::Add(even2, odd2);
    t[4] = hn::Sub(even2, odd2);
    t[5] = TimesAdd(4.0F, d[1], TimesAdd(-5.0F, d[3], d[5]));
  }
};

/// G of F(m, taps), undivided: the polynomial with coefficients g at each point.
template <Index m, Index taps>
struct FilterMatrix {
  static constexpr Index kFrom = taps, kTo = m + taps - 1;
  static_assert((kTo == 4 || kTo == 6) && taps >= 2 && taps <= 5);
  template <class V>
  static HWY_INLINE void Apply(const V* g, V* t) {
    t[0] = g[0];
    At(g, 1.0F, t[1], t[2]);
    if constexpr (kTo == 6) At(g, 2.0F, t[3], t[4]);
    t[kTo - 1] = g[taps - 1];
  }

 private:
  /// The values at point and at -point.
  template <class V>
  static HWY_INLINE void At(const V* g, float point, V& plus, V& minus) {
    const float square = point * point;
    V even = g[0], odd = Times(point, g[1]);
    if constexpr (taps > 2) even = TimesAdd(square, g[2], even);
    if constexpr (taps > 3) odd = TimesAdd(point * square, g[3], odd);
    if constexpr (taps > 4) even = TimesAdd(square * square, g[4], even);
    plus = hn::Add(even, odd);
    minus = hn::Sub(even, odd);
  }
};

/// A^T of F(count, .): the sums over the points' powers.
template <Index count, Index points>
struct ResultMatrix {
  static constexpr Index kFrom = points, kTo = count;
  template <class V>
  static HWY_INLINE void Apply(const V* t, V* y) {
    const V even1 = hn::Add(t[1], t[2]), odd1 = hn::Sub(t[1], t[2]);
    y[0] = hn::Add(t[0], even1);
    y[1] = odd1;
    if constexpr (count > 2) y[2] = even1;
    if constexpr (count > 3) y[3] = odd1;
    if constexpr (points == 6) {
      const V even2 = hn::Add(t[3], t[4]), odd2 = hn::Sub(t[3], t[4]);
      y[0] = hn::Add(y[0], even2);
      y[1] = TimesAdd(2.0F, odd2, y[1]);
      if constexpr (count > 2) y[2] = TimesAdd(4.0F, even2, y[2]);
      if constexpr (count > 3) y[3] = TimesAdd(8.0F, odd2, y[3]);
    }
    y[count - 1] = hn::Add(y[count - 1], t[points - 1]);
  }
};

/// The points' norms of F(., .) with so many points.
template <Index points>
HWY_INLINE float Norm(Index point) {
  constexpr float k4[] = {1.0F, 2.0F, 2.0F, 1.0F};
  constexpr float k6[] = {4.0F, -6.0F, -6.0F, 24.0F, 24.0F, 1.0F};
  return points == 4 ? k4[point] : k6[point];
}

/// Matrix * in * Matrix^T: load(y, x) gives the elements, store(q, r, vector) takes them.
template <class Matrix, class Load, class Store>
HWY_INLINE void TransformSquare(const Load& load, const Store& store) {
  using Vec = decltype(load(Index{}, Index{}));
  constexpr Index kFrom = Matrix::kFrom, kTo = Matrix::kTo;
  Vec middle[usize(kTo)][usize(kFrom)];
  for (Index x = 0; x < kFrom; ++x) {
    Vec column[usize(kFrom)], transformed[usize(kTo)];
    for (Index y = 0; y < kFrom; ++y) column[y] = load(y, x);
    Matrix::Apply(column, transformed);
    for (Index q = 0; q < kTo; ++q) middle[q][x] = transformed[q];
  }
  for (Index q = 0; q < kTo; ++q) {
    Vec transformed[usize(kTo)];
    Matrix::Apply(middle[q], transformed);
    for (Index r = 0; r < kTo; ++r) store(q, r, transformed[r]);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
