// What the kernels of convolution and pooling share. Included once for every target, inside Highway's foreach_target.h.
#if defined(SACCADE_KERNELS_CONV_POOL2D_TILES_INTERNAL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SACCADE_KERNELS_CONV_POOL2D_TILES_INTERNAL_H
#undef SACCADE_KERNELS_CONV_POOL2D_TILES_INTERNAL_H
#else
#define SACCADE_KERNELS_CONV_POOL2D_TILES_INTERNAL_H
#endif

#include "saccade/kernels/conv_pool2d/geometry.h"
#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using simd::ConvPoolGeometry;

// Vectors of sums that the registers hold besides what is multiplied.
constexpr int kRegisters = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON ? 28 : 12;
constexpr int kMostVectors = 4;
constexpr int kMostRows = 6;
/// Rows of filters whose sums are held at once, in vectors of that number.
constexpr int RowsAtOnce(int vectors) {
  const int rows = (kRegisters < 24 ? kRegisters : 24) / vectors;
  return rows < kMostRows ? rows : kMostRows;
}

HWY_INLINE Index Least(Index a, Index b) { return a < b ? a : b; }

/// The pointer, whose origin the compiler forgets. It would otherwise keep a pointer for each row and vector of a loop,
/// more than there are registers, where one and a few distances do.
template <class T>
HWY_INLINE T* Base(T* pointer) {
  __asm__("" : "+r"(pointer));
  return pointer;
}

/// Calls op(tag) with vectors no longer than the output channels fill.
template <class Op>
HWY_INLINE void WithOutputVectors(const ConvPoolGeometry& g, const Op& op) {
  if (g.lanes_oc % 16 == 0) return op(hn::ScalableTag<float>());
  op(hn::CappedTag<float, 8>());
}

/// A number that the compiler knows.
template <int kValue>
struct KnownNumber {
  static constexpr int value = kValue;
};

/// op(KnownNumber<value>) for 1 <= value <= kMost.
template <int kMost, class Op>
HWY_INLINE void WithNumber(Index value, const Op& op) {
  if constexpr (kMost > 1) {
    if (value < kMost) return WithNumber<kMost - 1>(value, op);
  }
  op(KnownNumber<kMost>());
}

/// op(first, length as KnownNumber) for nearly equal blocks of at most kMost out of `count`: none is so narrow that its few
/// sums wait for one another.
template <int kMost, class Op>
HWY_INLINE void ForBlocks(Index count, const Op& op) {
  const Index blocks = (count + kMost - 1) / kMost;
  const Index length = (count + blocks - 1) / blocks;
  for (Index first = 0; first < count; first += length) {
    WithNumber<kMost>(Least(length, count - first), [&](auto some) HWY_ATTR { op(first, some); });
  }
}

/// Cuts [rows, vectors] into nearly equal tiles that fit into the registers: op(first row, first vector, rows, vectors),
/// the last two as KnownNumber.
template <class Op>
HWY_INLINE void ForTiles(Index rows, Index vectors, const Op& op) {
  const Index across = (vectors + kMostVectors - 1) / kMostVectors;
  const Index width = (vectors + across - 1) / across;
  for (Index v = 0; v < vectors; v += width) {
    WithNumber<kMostVectors>(Least(width, vectors - v), [&](auto some_vectors) HWY_ATTR {
      constexpr int kRows = RowsAtOnce(decltype(some_vectors)::value);
      const Index down = (rows + kRows - 1) / kRows;
      const Index height = (rows + down - 1) / down;
      for (Index r = 0; r < rows; r += height) {
        WithNumber<kRows>(Least(height, rows - r), [&](auto some_rows) HWY_ATTR { op(r, v, some_rows, some_vectors); });
      }
    });
  }
}

/// The results of a window, for each lane.
template <class D>
struct Pooled {
  hn::Vec<D> best;
  hn::Vec<hn::RebindToSigned<D>> winner;  ///< number of the first largest, or kDead
};

/// The largest of a window's four sums, and which it is; NaN wins only as the first.
template <class D>
HWY_INLINE Pooled<D> PoolWindow(D d, bool relu, hn::Vec<D> first, hn::Vec<D> second, hn::Vec<D> third,
                                hn::Vec<D> fourth) {
  const hn::RebindToSigned<D> di;
  Pooled<D> p{first, hn::Zero(di)};
  const auto meet = [&](hn::Vec<D> value, int number) HWY_ATTR {
    const auto larger = hn::Lt(p.best, value);
    p.best = hn::IfThenElse(larger, value, p.best);
    p.winner = hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, number), p.winner);
  };
  meet(second, 1);
  meet(third, 2);
  meet(fourth, 3);
  if (relu) {
    const auto dead = hn::Le(p.best, hn::Zero(d));  // not where it is NaN
    p.best = hn::IfThenZeroElse(dead, p.best);
    p.winner = hn::IfThenElse(hn::RebindMask(di, dead), hn::Set(di, simd::kDead), p.winner);
  }
  return p;
}

/// The first `count` lanes of v.
template <class D>
HWY_NOINLINE void StoreFew(D d, hn::Vec<D> v, float* to, Index count) {
  HWY_ALIGN float buffer[hn::MaxLanes(d)];
  hn::Store(v, d, buffer);
  for (Index i = 0; i < count; ++i) to[i] = buffer[i];
}

/// Where the results of some windows side by side go, a vector of output channels each: `channels` of them count, and a
/// vector may reach `room` floats far.
struct TileResults {
  float* dst;
  std::uint8_t* taps;
  Index channels, room;
};

/// From `pixel` and channel o on, of windows in rows before `last`; taps is null if nothing is kept.
HWY_INLINE TileResults ResultsAt(const ConvPoolGeometry& g, Index pixel, Index o, Index lanes, Index last, float* dst,
                                 std::uint8_t* taps) {
  const Index channels = Least(lanes, g.oc - o), out = pixel * g.oc + o;
  // A vector may reach into pixels that are written after it, which is so when there is one a pixel.
  const Index room = g.oc <= lanes || channels == lanes ? last * g.ow * g.oc - out : 0;
  return {dst + out, taps != nullptr ? taps + pixel * g.lanes_oc + o : nullptr, channels, room};
}

/// Window x of them.
template <class D>
HWY_INLINE void StoreWindow(D d, const ConvPoolGeometry& g, const Pooled<D>& p, Index x, const TileResults& to) {
  if (to.room - x * g.oc >= static_cast<Index>(hn::Lanes(d))) {
    hn::StoreU(p.best, d, to.dst + x * g.oc);
  } else {
    StoreFew(d, p.best, to.dst + x * g.oc, to.channels);
  }
  const hn::Rebind<std::uint8_t, D> d8;
  if (to.taps != nullptr) hn::StoreU(hn::DemoteTo(d8, p.winner), d8, to.taps + x * g.lanes_oc);
}

/// Copies `count` floats that are few: not worth a call.
HWY_INLINE void CopyFew(const float* HWY_RESTRICT from, Index count, float* HWY_RESTRICT to) {
  const hn::CappedTag<float, 8> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  if (count < lanes) {
    for (Index i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  for (Index i = 0; i < count - lanes; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  hn::StoreU(hn::LoadU(d, from + count - lanes), d, to + count - lanes);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
