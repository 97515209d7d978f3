#include "saccade/kernels/conv_pool2d/conv_pool2d_simd.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/conv_pool2d_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

#ifndef SACCADE_KERNELS_CONV_POOL2D_SIMD_ONCE
#define SACCADE_KERNELS_CONV_POOL2D_SIMD_ONCE
namespace saccade::kernels::simd {

/// A ConvPool2DProblem's numbers, with those that follow from them.
struct ConvPoolGeometry {
  bool relu, keeps;
  Index ih, iw, ic, oc, kh, kw, pt, pl;
  Index oh, ow;    // pooled
  Index lanes_oc;  // output channels rounded up to whole vectors of any length
  Index rows;      // of an image with its padding, as far as windows reach
  Index row;       // floats of such a row
  bool padded;
  Index tap_row;  // floats of a filter row, kw * ic, rounded up to vectors of kSumLanes
  Index sums;     // floats of the sums for all gradients of weights and biases
};

/// Longest vectors for the gradients of weights. Those are sums along rows of the image that begin anywhere: longer loads
/// would cross the lines of the cache each time.
inline constexpr Index kSumLanes = 8;
/// Floats that a vector may read beyond an image.
inline constexpr Index kSlack = 64;
/// The number kept for a result through which no gradient passes.
inline constexpr std::uint8_t kDead = 4;

/// A gradient that is not zero: where its window's winning pixel begins, and what it is.
struct ConvPoolEntry {
  std::int32_t offset;
  float gradient;
};

/// Working memory of the images of one task.
struct ConvPoolMemory {
  float* image;       // with its padding
  float* grad_image;  // likewise
  ConvPoolEntry* entries;
  float* sums;  // [oc, kh, tap_row], then [lanes_oc] of biases
};

}  // namespace saccade::kernels::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using simd::ConvPoolEntry;
using simd::ConvPoolGeometry;
using simd::ConvPoolMemory;

// Vectors of sums that the registers hold besides what is multiplied.
constexpr int kRegisters = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON ? 28 : 12;
constexpr int kMostColumns = kRegisters / 4;
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

/// Calls op(tag) with vectors no longer than the output channels fill.
template <class Op>
HWY_INLINE void WithOutputVectors(const ConvPoolGeometry& g, const Op& op) {
  if (g.lanes_oc % 16 == 0) return op(hn::ScalableTag<float>());
  op(hn::CappedTag<float, 8>());
}

/// The first `count` lanes of v.
template <class D>
HWY_NOINLINE void StoreFew(D d, hn::Vec<D> v, float* to, Index count) {
  HWY_ALIGN float buffer[hn::MaxLanes(d)];
  hn::Store(v, d, buffer);
  for (Index i = 0; i < count; ++i) to[i] = buffer[i];
}

/// Rows first .. last-1 of an image with its padding; that of other rows is there already.
HWY_INLINE void CopyImage(const ConvPoolGeometry& g, const float* src, Index first, Index last, float* image) {
  if (!g.padded) {
    std::memcpy(image, src + first * g.row, usize((last - first) * g.row) * sizeof(float));
    return;
  }
  for (Index row = first; row < last; ++row) {
    const Index y = row - g.pt;
    if (y < 0 || y >= g.ih) continue;
    std::memcpy(image + (row - first) * g.row + g.pl * g.ic, src + y * g.iw * g.ic, usize(g.iw * g.ic) * sizeof(float));
  }
}

/// bias [lanes_oc], then weights [lanes_oc / lanes, kh * kw * ic, lanes].
void PackForward(const ConvPoolGeometry& g, const float* weight, const float* bias, float* packed) {
  WithOutputVectors(g, [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    for (Index o = 0; o < g.lanes_oc; ++o) packed[o] = bias != nullptr && o < g.oc ? bias[o] : 0.0F;
    float* to = packed + g.lanes_oc;
    for (Index block = 0; block < g.lanes_oc; block += lanes) {
      for (Index tap = 0; tap < g.kh * g.kw * g.ic; ++tap) {
        for (Index o = block; o < block + lanes; ++o) *to++ = o < g.oc ? weight[tap * g.oc + o] : 0.0F;
      }
    }
  });
}

/// Where the results of a tile go: pixel after pixel, `channels` of them that count, and how far a vector may reach.
struct TileResults {
  float* dst;
  std::uint8_t* taps;
  Index channels, room;
};

/// Adds what one row of the image gives to the sums of the pixels above and below: each number is loaded once for both.
template <bool kUpper, bool kLower, std::size_t kPixels, class D>
HWY_INLINE void AddRow(D d, const float* HWY_RESTRICT src, Index step, Index taps, const float* HWY_RESTRICT for_upper,
                       const float* HWY_RESTRICT for_lower, hn::Vec<D> (&upper)[kPixels],
                       hn::Vec<D> (&lower)[kPixels]) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  for (Index k = 0; k < taps; ++k) {
    const auto a = hn::LoadU(d, for_upper + k * lanes);
    const auto b = hn::LoadU(d, for_lower + k * lanes);
    const float* const from = Base(src + k);
    HWY_UNROLL(14)
    for (Index x = 0; x < static_cast<Index>(kPixels); ++x) {
      const auto pixel = hn::Set(d, from[x * step]);
      if constexpr (kUpper) upper[x] = hn::MulAdd(pixel, a, upper[x]);
      if constexpr (kLower) lower[x] = hn::MulAdd(pixel, b, lower[x]);
    }
  }
}

/// kColumns windows side by side, one vector of output channels. `src` is the first pixel under the first window.
template <int kColumns, class D>
HWY_NOINLINE void PoolTile(D d, const ConvPoolGeometry& g, const float* HWY_RESTRICT src,
                           const float* HWY_RESTRICT weight, hn::Vec<D> bias, TileResults to) {
  constexpr int kPixels = 2 * kColumns;
  hn::Vec<D> upper[usize(kPixels)], lower[usize(kPixels)];
  HWY_UNROLL(14)
  for (int x = 0; x < kPixels; ++x) upper[x] = lower[x] = bias;
  const Index step = g.ic;
  const Index taps = g.kw * step;
  // A row of the image is the upper windows' row kh and the lower ones' row kh - 1, but for the first and the last.
  const Index filter_row = taps * static_cast<Index>(hn::Lanes(d));
  AddRow<true, false>(d, src, step, taps, weight, weight, upper, lower);
  for (Index kh = 1; kh < g.kh; ++kh) {
    const float* const above = weight;
    weight += filter_row;
    AddRow<true, true>(d, src + kh * g.row, step, taps, weight, above, upper, lower);
  }
  AddRow<false, true>(d, src + g.kh * g.row, step, taps, weight, weight, upper, lower);
  const hn::RebindToSigned<D> di;
  const hn::Rebind<std::uint8_t, D> d8;
  HWY_UNROLL(7)
  for (int x = 0; x < kColumns; ++x) {
    auto best = upper[2 * x];
    auto winner = hn::Zero(di);
    const auto meet = [&](hn::Vec<D> value, int tap) HWY_ATTR {
      const auto larger = hn::Lt(best, value);
      best = hn::IfThenElse(larger, value, best);
      winner = hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, tap), winner);
    };
    meet(upper[2 * x + 1], 1);
    meet(lower[2 * x], 2);
    meet(lower[2 * x + 1], 3);
    if (g.relu) {
      const auto dead = hn::Le(best, hn::Zero(d));  // not where it is NaN
      best = hn::IfThenZeroElse(dead, best);
      winner = hn::IfThenElse(hn::RebindMask(di, dead), hn::Set(di, simd::kDead), winner);
    }
    if (to.room - x * g.oc >= static_cast<Index>(hn::Lanes(d))) {
      hn::StoreU(best, d, to.dst + x * g.oc);
    } else {
      StoreFew(d, best, to.dst + x * g.oc, to.channels);
    }
    if (g.keeps) hn::StoreU(hn::DemoteTo(d8, winner), d8, to.taps + x * g.lanes_oc);
  }
}

/// Pooled rows first .. last-1 of one image, whose first pixel (padding included) under row `first` is src.
void ForwardImage(const ConvPoolGeometry& g, const float* src, const float* packed, Index first, Index last, float* dst,
                  std::uint8_t* taps) {
  WithOutputVectors(g, [&](auto d) HWY_ATTR {
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    // Equal tiles: none is so narrow that its few sums wait for one another.
    const Index tiles = (g.ow + kMostColumns - 1) / kMostColumns;
    const Index columns = (g.ow + tiles - 1) / tiles;
    const Index end = last * g.ow * g.oc;
    for (Index y = first; y < last; ++y) {
      for (Index x = 0; x < g.ow; x += columns) {
        const float* const window = src + 2 * (y - first) * g.row + 2 * x * g.ic;
        const Index pixel = y * g.ow + x;
        for (Index o = 0; o < g.lanes_oc; o += lanes) {
          const Index channels = Least(lanes, g.oc - o);
          if (channels <= 0) break;
          const Index out = pixel * g.oc + o;
          // A vector may reach into pixels that are written after it, which is so when there is one a pixel.
          const Index room = g.oc <= lanes || channels == lanes ? end - out : 0;
          const float* const weight = packed + g.lanes_oc + o * g.kh * g.kw * g.ic;
          const auto bias = hn::LoadU(d, packed + o);
          const TileResults to{dst + out, taps + pixel * g.lanes_oc + o, channels, room};
          WithNumber<kMostColumns>(Least(columns, g.ow - x), [&](auto some_columns) HWY_ATTR {
            PoolTile<decltype(some_columns)::value>(d, g, window, weight, bias, to);
          });
        }
      }
    }
  });
}

/// Copies an image into memory with padding, where there is none yet, and computes its rows first .. last-1.
void ForwardPadded(const ConvPoolGeometry& g, const float* src, const float* packed, Index first, Index last,
                   float* dst, std::uint8_t* taps, float* image) {
  if (!g.padded) return ForwardImage(g, src + 2 * first * g.row, packed, first, last, dst, taps);
  CopyImage(g, src, 2 * first, 2 * last + g.kh - 1, image);
  ForwardImage(g, image, packed, first, last, dst, taps);
}

/// Adds the gradients of one filter: sums [kRows, kVectors] += gradient * (rows of the image at its offset).
template <int kRows, int kVectors, class D>
HWY_INLINE void SumRows(D d, const ConvPoolEntry* HWY_RESTRICT entries, Index count, const float* HWY_RESTRICT image,
                        Index row, float* HWY_RESTRICT sums, Index sum_row) {
  constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(d));
  hn::Vec<D> sum[usize(kRows)][usize(kVectors)];
  HWY_UNROLL(6)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(6)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::LoadU(d, sums + r * sum_row + v * kLanes);
  }
  for (const ConvPoolEntry* const end = entries + count; entries != end; ++entries) {
    const auto gradient = hn::Set(d, entries->gradient);
    const float* HWY_RESTRICT const from = Base(image + entries->offset);
    HWY_UNROLL(6)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(6)
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = hn::MulAdd(hn::LoadU(d, from + r * row + v * kLanes), gradient, sum[r][v]);
      }
    }
  }
  HWY_UNROLL(6)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(6)
    for (int v = 0; v < kVectors; ++v) hn::StoreU(sum[r][v], d, sums + r * sum_row + v * kLanes);
  }
}

/// The gradients of one window that are not zero: offsets into the table of filters, and the gradients.
struct WindowEntries {
  const std::int32_t* offsets;
  const float* gradients;
  Index count;
};

/// to [kRows, kVectors] += gradient * (rows of the table of filters at its offset).
template <int kRows, int kVectors, class D>
HWY_INLINE void SpreadRows(D d, const WindowEntries& e, const float* HWY_RESTRICT table, Index table_row,
                           float* HWY_RESTRICT to, Index row) {
  constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(d));
  hn::Vec<D> sum[usize(kRows)][usize(kVectors)];
  HWY_UNROLL(6)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(6)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  for (Index i = 0; i < e.count; ++i) {
    const auto gradient = hn::Set(d, e.gradients[i]);
    const float* HWY_RESTRICT const filter = Base(table + e.offsets[i]);
    HWY_UNROLL(6)
    for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(6)
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = hn::MulAdd(hn::Load(d, filter + r * table_row + v * kLanes), gradient, sum[r][v]);
      }
    }
  }
  HWY_UNROLL(6)
  for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(6)
    for (int v = 0; v < kVectors; ++v) {
      float* const pixel = to + r * row + v * kLanes;
      hn::StoreU(hn::Add(hn::LoadU(d, pixel), sum[r][v]), d, pixel);
    }
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

/// In four sums side by side, so that none waits for another.
HWY_INLINE float SumGradients(const ConvPoolEntry* entries, Index count) {
  float sums[4] = {};
  Index i = 0;
  for (; i + 4 <= count; i += 4) {
    HWY_UNROLL(4)
    for (Index k = 0; k < 4; ++k) sums[k] += entries[i + k].gradient;
  }
  for (; i < count; ++i) sums[0] += entries[i].gradient;
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// For each output channel the gradients that are not zero and where their windows' winners lie; the sums of the
/// gradients of weights.
HWY_INLINE void SumImage(const ConvPoolGeometry& g, const float* grad_dst, const std::uint8_t* taps,
                         const ConvPoolMemory& m) {
  const hn::CappedTag<float, simd::kSumLanes> d;
  constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(d));
  const std::int32_t step = static_cast<std::int32_t>(g.ic), row = static_cast<std::int32_t>(g.row);
  const std::int32_t of_tap[] = {0, step, row, row + step, 0};
  for (Index o = 0; o < g.oc; ++o) {
    ConvPoolEntry* entry = m.entries;
    const float* gradient = grad_dst + o;
    const std::uint8_t* tap = taps + o;
    for (Index y = 0; y < g.oh; ++y) {
      std::int32_t offset = static_cast<std::int32_t>(2 * y * g.row);
      for (Index x = 0; x < g.ow; ++x) {
        *entry = {offset + of_tap[*tap], *gradient};
        entry += *tap != simd::kDead;
        offset += 2 * step;
        gradient += g.oc;
        tap += g.lanes_oc;
      }
    }
    const Index count = entry - m.entries;
    m.sums[g.oc * g.kh * g.tap_row + o] += SumGradients(m.entries, count);
    float* const sums = m.sums + o * g.kh * g.tap_row;
    ForTiles(g.kh, g.tap_row / kLanes, [&](Index r, Index v, auto rows, auto vectors) HWY_ATTR {
      SumRows<decltype(rows)::value, decltype(vectors)::value>(d, m.entries, count, m.image + r * g.row + v * kLanes,
                                                               g.row, sums + r * g.tap_row + v * kLanes, g.tap_row);
    });
  }
}

/// Floats of a row of the table of filters: kw + 1 pixels, whole vectors of any length.
HWY_INLINE Index TableRow(const ConvPoolGeometry& g) {
  return ((g.kw + 1) * g.ic + simd::kMostLanes - 1) / simd::kMostLanes * simd::kMostLanes;
}

/// The table of filters [oc, 2, kh + 2, TableRow]: each as it lies under its window when the winner is the left or the
/// right pixel, with rows of zeros above and below: a window reaches over one row more than a filter has.
void PackBackward(const ConvPoolGeometry& g, const float* weight, float* table) {
  const Index table_row = TableRow(g);
  std::memset(table, 0, usize(g.oc * 2 * (g.kh + 2) * table_row) * sizeof(float));
  for (Index o = 0; o < g.oc; ++o) {
    for (Index right = 0; right < 2; ++right) {
      float* const filter = table + ((o * 2 + right) * (g.kh + 2) + 1) * table_row + right * g.ic;
      for (Index kh = 0; kh < g.kh; ++kh) {
        for (Index k = 0; k < g.kw * g.ic; ++k) filter[kh * table_row + k] = weight[(kh * g.kw * g.ic + k) * g.oc + o];
      }
    }
  }
}

/// The gradient of an image with its padding.
HWY_INLINE void SpreadImage(const ConvPoolGeometry& g, const float* table, const float* grad_dst,
                            const std::uint8_t* taps, const ConvPoolMemory& m) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(d));
  const Index table_row = TableRow(g), filter = (g.kh + 2) * table_row;
  const Index vectors = ((g.kw + 1) * g.ic + kLanes - 1) / kLanes;
  // The entries' memory serves for the compressed lists of one window, each with room for a whole vector behind it.
  auto* const gradients = reinterpret_cast<float*>(m.entries);
  auto* const offsets = reinterpret_cast<std::int32_t*>(gradients + g.lanes_oc + 2 * simd::kMostLanes);
  std::memset(m.grad_image, 0, usize(g.rows * g.row) * sizeof(float));
  const auto lane = hn::Iota(di, 0);  // outside the loop: it goes through memory
  const auto twice = hn::Add(lane, lane);
  Index x = 0;
  float* to = m.grad_image;
  for (Index window = 0; window < g.oh * g.ow; ++window) {
    Index count = 0;
    for (Index o = 0; o < g.oc; o += kLanes) {
      const auto tap = hn::PromoteTo(di, hn::LoadU(d8, taps + window * g.lanes_oc + o));
      const Index room = (g.oh * g.ow - window) * g.oc - o;
      const auto gradient = LoadPart(grad_dst + window * g.oc + o, usize(Least(kLanes, g.oc - o)), usize(room), 0.0F);
      const auto right = hn::And(tap, hn::Set(di, 1));
      const auto number = hn::Add(twice, hn::Set(di, static_cast<std::int32_t>(2 * o)));
      // A winner in the upper row: the row of zeros above the filter is left out.
      const auto above =
          hn::IfThenElseZero(hn::Lt(tap, hn::Set(di, 2)), hn::Set(di, static_cast<std::int32_t>(table_row)));
      const auto offset =
          hn::Add(hn::Mul(hn::Add(number, right), hn::Set(di, static_cast<std::int32_t>(filter))), above);
      const auto counts = hn::And(hn::FirstN(di, usize(g.oc - o)), hn::Lt(tap, hn::Set(di, simd::kDead)));
      // Not CompressStore(), which is slow on AMD's processors.
      hn::StoreU(hn::Compress(gradient, hn::RebindMask(d, counts)), d, gradients + count);
      hn::StoreU(hn::Compress(offset, counts), di, offsets + count);
      count += static_cast<Index>(hn::CountTrue(di, counts));
    }
    const WindowEntries entries{offsets, gradients, count};
    ForTiles(g.kh + 1, vectors, [&](Index r, Index v, auto some_rows, auto some_vectors) HWY_ATTR {
      SpreadRows<decltype(some_rows)::value, decltype(some_vectors)::value>(
          d, entries, table + r * table_row + v * kLanes, table_row, to + r * g.row + v * kLanes, g.row);
    });
    to += 2 * g.ic;
    if (++x < g.ow) continue;
    to += 2 * (g.row - g.ow * g.ic);
    x = 0;
  }
}

/// One image: adds to the sums of the gradients of weights if `weights`, and writes grad_src unless it is null.
void BackwardImage(const ConvPoolGeometry& g, bool weights, const float* src, const float* table, const float* grad_dst,
                   const std::uint8_t* taps, float* grad_src, const ConvPoolMemory& m) {
  if (weights) {
    CopyImage(g, src, 0, g.rows, m.image);
    SumImage(g, grad_dst, taps, m);
  }
  if (grad_src == nullptr) return;
  SpreadImage(g, table, grad_dst, taps, m);
  for (Index y = 0; y < g.ih; ++y) {
    const std::size_t bytes = usize(g.iw * g.ic) * sizeof(float);
    float* const to = grad_src + y * g.iw * g.ic;
    if (y + g.pt < g.rows) {
      std::memcpy(to, m.grad_image + (y + g.pt) * g.row + g.pl * g.ic, bytes);
    } else {
      std::memset(to, 0, bytes);
    }
  }
}

/// sums[i] += more[i]
void AddSums(const float* more, Index count, float* sums) {
  const hn::CappedTag<float, simd::kSumLanes> d;
  for (Index i = 0; i < count; i += static_cast<Index>(hn::MaxLanes(d))) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::LoadU(d, more + i)), d, sums + i);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(PackForward);
HWY_EXPORT(ForwardPadded);
HWY_EXPORT(PackBackward);
HWY_EXPORT(BackwardImage);
HWY_EXPORT(AddSums);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

/// Tasks that a batch of images is cut into.
constexpr Index kForwardTasks = 32;
/// Likewise backward, where each has sums of its own.
constexpr Index kBackwardTasks = 16;
/// Multiply-adds that are worth a task of their own, some 5 us.
constexpr Index kLeastWork = 300'000;
/// Beyond so many input channels the separate kernels are faster.
constexpr Index kMostInputChannels = 16;

ConvPoolGeometry geometry_of(const ConvPool2DProblem& p) {
  const Index oh = p.oh(), ow = p.ow();
  return {.relu = p.activation == Activation::relu,
          .keeps = p.training,
          .ih = p.ih,
          .iw = p.iw,
          .ic = p.ic,
          .oc = p.oc,
          .kh = p.kh,
          .kw = p.kw,
          .pt = p.ph.before,
          .pl = p.pw.before,
          .oh = oh,
          .ow = ow,
          .lanes_oc = round_up(p.oc, 8),
          .rows = 2 * oh + p.kh - 1,
          .row = (p.iw + p.pw.before + p.pw.after) * p.ic,
          .padded = p.ph != Pads{} || p.pw != Pads{},
          .tap_row = round_up(p.kw * p.ic, kSumLanes),
          .sums = p.oc * p.kh * round_up(p.kw * p.ic, kSumLanes) + round_up(p.oc, kMostLanes)};
}

class SimdConvPool2D final : public ConvPool2DKernel {
 public:
  explicit SimdConvPool2D(const ConvPool2DProblem& p)
      : p_(p), g_(geometry_of(p)), groups_(std::min(p.n, kForwardTasks)), blocks_(std::min(p.n, kBackwardTasks)) {
    // A few images: each in bands of rows, too.
    const Index work = p.conv(Pass::forward).multiply_adds() / p.n / kLeastWork;
    bands_ = std::clamp<Index>(std::min(work, kForwardTasks / p.n), 1, g_.oh);
    band_rows_ = ceil_divide(g_.oh, bands_);
  }

  // A vector may read beyond the last number.
  Index saved_bytes() const override { return g_.keeps ? p_.n * kept_per_image() + kMostLanes : 0; }

  Index scratch_bytes() const override {
    const Index forward = packed_size() + groups_ * bands_ * band_size();
    const Index backward = table_size() + blocks_ * block_size();
    return std::max(forward, g_.keeps ? backward : 0) * isize(sizeof(float));
  }

  void forward(const ConvPool2DBuffers& b) override {
    auto* const packed = reinterpret_cast<float*>(b.scratch.data());
    HWY_DYNAMIC_DISPATCH(PackForward)(g_, b.weight.data(), b.bias.data(), packed);
    parallel_for(groups_ * bands_, [&](Index task) {
      const Index group = task / bands_;
      const Index first = task % bands_ * band_rows_, last = std::min(first + band_rows_, g_.oh);
      if (first >= last) return;
      float* const image = packed + packed_size() + task * band_size();
      if (g_.padded) std::fill_n(image, band_size(), 0.0F);
      for (Index n = group * p_.n / groups_; n < (group + 1) * p_.n / groups_; ++n) {
        HWY_DYNAMIC_DISPATCH(ForwardPadded)
        (g_, b.src.data() + n * p_.ih * p_.iw * p_.ic, packed, first, last, b.dst.data() + n * g_.oh * g_.ow * g_.oc,
         g_.keeps ? kept(b.saved, n) : nullptr, image);
      }
    });
  }

  void backward(const ConvPool2DBuffers& b) override {
    auto* const table = reinterpret_cast<float*>(b.scratch.data());
    float* const blocks = table + table_size();
    if (!b.grad_src.empty()) HWY_DYNAMIC_DISPATCH(PackBackward)(g_, b.weight.data(), table);
    parallel_for(blocks_, [&](Index block) {
      const ConvPoolMemory memory = block_memory(blocks + block * block_size());
      std::fill_n(memory.sums, g_.sums, 0.0F);
      std::fill_n(memory.image, image_size(), 0.0F);
      std::fill_n(memory.grad_image, image_size(), 0.0F);
      for (Index n = block * p_.n / blocks_; n < (block + 1) * p_.n / blocks_; ++n) {
        const Index image = n * p_.ih * p_.iw * p_.ic;
        HWY_DYNAMIC_DISPATCH(BackwardImage)
        (g_, !b.grad_weight.empty(), b.src.data() + image, table, b.grad_dst.data() + n * g_.oh * g_.ow * g_.oc,
         kept(b.saved, n), b.grad_src.empty() ? nullptr : b.grad_src.data() + image, memory);
      }
    });
    if (!b.grad_weight.empty()) add_up(blocks, b.grad_weight, b.grad_bias);
  }

 private:
  Index packed_size() const { return round_up(g_.lanes_oc * (1 + g_.kh * g_.kw * g_.ic), kMostLanes); }
  Index band_size() const { return g_.padded ? round_up((2 * band_rows_ + g_.kh - 1) * g_.row, kMostLanes) : 0; }
  Index table_size() const { return g_.oc * 2 * (g_.kh + 2) * round_up((g_.kw + 1) * g_.ic, kMostLanes); }
  Index image_size() const { return round_up(g_.rows * g_.row + kSlack, kMostLanes); }
  /// Entries of one channel, or the lists of one window.
  Index entries_size() const {
    return round_up(std::max(2 * g_.oh * g_.ow + 2, 2 * (g_.lanes_oc + 2 * kMostLanes)), kMostLanes);
  }
  Index block_size() const { return 2 * image_size() + entries_size() + round_up(g_.sums, kMostLanes); }
  Index kept_per_image() const { return g_.oh * g_.ow * g_.lanes_oc; }

  static_assert(sizeof(ConvPoolEntry) == 2 * sizeof(float));
  ConvPoolMemory block_memory(float* first) const {
    float* const entries = first + 2 * image_size();
    return {.image = first,
            .grad_image = first + image_size(),
            .entries = reinterpret_cast<ConvPoolEntry*>(entries),
            .sums = entries + entries_size()};
  }

  std::uint8_t* kept(std::span<std::byte> saved, Index n) const {
    return reinterpret_cast<std::uint8_t*>(saved.data()) + n * kept_per_image();
  }

  /// The blocks' sums, in order, into the first of them, and from there to their places.
  void add_up(float* blocks, std::span<float> grad_weight, std::span<float> grad_bias) const {
    float* const sums = block_memory(blocks).sums;
    for (Index block = 1; block < blocks_; ++block) {
      HWY_DYNAMIC_DISPATCH(AddSums)(block_memory(blocks + block * block_size()).sums, g_.sums, sums);
    }
    const Index taps = p_.kw * p_.ic;
    for (Index kh = 0; kh < p_.kh; ++kh) {
      for (Index k = 0; k < taps; ++k) {
        float* const to = grad_weight.data() + (kh * taps + k) * p_.oc;
        for (Index o = 0; o < p_.oc; ++o) to[o] = sums[(o * p_.kh + kh) * g_.tap_row + k];
      }
    }
    if (!grad_bias.empty()) std::copy_n(sums + p_.oc * p_.kh * g_.tap_row, p_.oc, grad_bias.data());
  }

  ConvPool2DProblem p_;
  ConvPoolGeometry g_;
  Index groups_, blocks_, bands_ = 1, band_rows_ = 1;
};

}  // namespace

std::string decline_conv_pool2d(const ConvPool2DProblem& p) {
  if (p.ic > kMostInputChannels) return "it has more than 16 input channels";
  if (p.kh == 3 && p.kw == 3 && p.ic % 16 == 0 && p.oc % 16 == 0) return "Winograd's convolution is faster";
  if (p.activation != Activation::linear && p.activation != Activation::relu) return "its activation is not relu";
  // Offsets into an image and into the table of filters are 32 bits wide.
  constexpr Index kMost = Index{1} << 30;
  const ConvPoolGeometry g = geometry_of(p);
  if (g.rows > kMost / g.row || p.kh + 2 > kMost / ((p.kw + 32) * p.ic) / p.oc / 4) return "it is too large";
  return {};
}

std::unique_ptr<ConvPool2DKernel> make_conv_pool2d(const ConvPool2DProblem& p) {
  return std::make_unique<SimdConvPool2D>(p);
}

}  // namespace saccade::kernels::simd
#endif
