#include "saccade/kernels/conv_pool2d/backward_data.h"

#include <algorithm>
#include <cstring>

#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/conv_pool2d/backward_data.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/conv_pool2d/tiles_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using DataMemory = simd::DataGradient::Memory;
using HalfTag = hn::Half<FloatTag>;
using HalfVector = hn::Vec<HalfTag>;

constexpr auto kLanes = static_cast<Index>(hn::MaxLanes(FloatTag()));
constexpr Index kHalf = kLanes / 2;

/// The table of filters [oc, 2], each [kh, vectors * kLanes] and then, if the rows of kw + 1 pixels end in at most half
/// a vector, [kh, kHalf].
struct FilterTable {
  explicit FilterTable(const ConvPoolGeometry& g) {
    const Index row = (g.kw + 1) * g.ic, rest = row % kLanes;
    has_half = rest != 0 && rest <= kHalf;
    vectors = row / kLanes + (rest > kHalf ? 1 : 0);
    halves = g.kh * vectors * kLanes;
    const Index floats = halves + (has_half ? g.kh * kHalf : 0);
    filter = (floats + simd::kMostLanes - 1) / simd::kMostLanes * simd::kMostLanes;
  }
  bool has_half;
  Index vectors;  // whole ones, of a row
  Index halves;   // where a filter's halves begin
  Index filter;   // floats of one
};

/// The second copy of a filter lies one pixel further right than the first.
void PackBackward(const ConvPoolGeometry& g, const float* weight, float* packed) {
  const FilterTable table(g);
  const Index whole = table.vectors * kLanes;
  std::memset(packed, 0, usize(g.oc * 2 * table.filter) * sizeof(float));
  for (Index o = 0; o < g.oc; ++o) {
    for (Index right = 0; right < 2; ++right) {
      float* const filter = packed + (o * 2 + right) * table.filter;
      for (Index kh = 0; kh < g.kh; ++kh) {
        for (Index k = 0; k < g.kw * g.ic; ++k) {
          const Index at = right * g.ic + k;
          const Index to = at < whole ? kh * whole + at : table.halves + kh * kHalf + at - whole;
          filter[to] = weight[(kh * g.kw * g.ic + k) * g.oc + o];
        }
      }
    }
  }
}

/// Gradients that pass, and where their filters begin.
struct GradientList {
  const float* gradients;
  const std::int32_t* offsets;
  Index count;
};
/// Those of a window whose winner is in the upper row, and in the lower.
struct WindowLists {
  GradientList upper, lower;
};

/// Rows first .. first+kRows-1 of the filters: what they add to one row more of the image, from `to`. kVectors vectors of
/// a row from `vector`, and its half if kHasHalf.
template <int kRows, int kVectors, bool kHasHalf>
HWY_INLINE void SpreadTile(const FilterTable& t, const float* table, Index first, Index vector,
                           const WindowLists& lists, float* HWY_RESTRICT to, Index row) {
  const FloatTag d;
  const HalfTag dh;
  FloatVector sum[usize(kRows + 1)][usize(kVectors > 0 ? kVectors : 1)];
  HalfVector half[usize(kRows + 1)];
  HWY_UNROLL(7)
  for (int r = 0; r <= kRows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
    half[r] = hn::Zero(dh);
  }
  const Index filter_row = t.vectors * kLanes;
  table += first * filter_row + vector * kLanes;
  const Index to_half = t.halves + first * kHalf - (first * filter_row + vector * kLanes);
  const auto add = [&](const GradientList& list, auto lower) HWY_ATTR {
    constexpr int kLower = decltype(lower)::value;
    for (Index i = 0; i < list.count; ++i) {
      const auto gradient = hn::Set(d, list.gradients[i]);
      const float* HWY_RESTRICT from = table + list.offsets[i];
      const float* HWY_RESTRICT const halves = Base(from + to_half);
      HWY_UNROLL(6)
      for (int r = 0; r < kRows; ++r) {
        from = Base(from);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) {
          auto& s = sum[r + kLower][v];
          s = hn::MulAdd(hn::Load(d, from + v * kLanes), gradient, s);
        }
        if constexpr (kHasHalf) {
          auto& s = half[r + kLower];
          s = hn::MulAdd(hn::Load(dh, halves + r * kHalf), hn::LowerHalf(dh, gradient), s);
        }
        from += filter_row;
      }
    }
  };
  add(lists.upper, KnownNumber<0>());
  add(lists.lower, KnownNumber<1>());
  HWY_UNROLL(7)
  for (int r = 0; r <= kRows; ++r) {
    float* const pixel = Base(to + (first + r) * row + vector * kLanes);
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(hn::Add(hn::LoadU(d, pixel + v * kLanes), sum[r][v]), d, pixel + v * kLanes);
    }
    if constexpr (kHasHalf) {
      float* const end = pixel + kVectors * kLanes;
      hn::StoreU(hn::Add(hn::LoadU(dh, end), half[r]), dh, end);
    }
  }
}

/// Of the lists of a row of windows, that of window x with winners in the upper row (0) or the lower (1).
HWY_INLINE GradientList ListOf(const DataMemory& m, Index x, Index lower) {
  const Index list = 2 * x + lower;
  return {m.gradients + list * m.list, m.offsets + list * m.list, m.counts[list]};
}

/// Fills the lists of window x, a vector of channels at a time. `room` floats may be read of grad_dst.
HWY_INLINE void CompressWinners(const ConvPoolGeometry& g, std::int32_t filter, const float* grad_dst, Index room,
                                const std::uint8_t* taps, Index x, const DataMemory& m) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const hn::Rebind<std::uint8_t, FloatTag> d8;
  const auto filters = hn::Load(di, m.filters);
  Index counts[2] = {};
  for (Index o = 0; o < g.oc; o += kLanes) {
    const auto tap = hn::PromoteTo(di, hn::LoadU(d8, taps + o));
    const auto gradient = LoadPart(grad_dst + o, usize(Least(kLanes, g.oc - o)), usize(room - o), 0.0F);
    const auto right = hn::IfThenElseZero(hn::Ne(hn::And(tap, hn::Set(di, 1)), hn::Zero(di)), hn::Set(di, filter));
    const auto offset = hn::Add(hn::Add(filters, hn::Set(di, static_cast<std::int32_t>(2 * o) * filter)), right);
    const auto add = [&](Index lower, auto which) HWY_ATTR {
      // Not CompressStore(), which is slow on AMD's processors.
      const Index to = (2 * x + lower) * m.list + counts[lower];
      hn::StoreU(hn::Compress(gradient, hn::RebindMask(d, which)), d, m.gradients + to);
      hn::StoreU(hn::Compress(offset, which), di, m.offsets + to);
      counts[lower] += static_cast<Index>(hn::CountTrue(di, which));
    };
    const auto exists = hn::FirstN(di, usize(g.oc - o));
    const auto upper = hn::Lt(tap, hn::Set(di, 2)), alive = hn::Lt(tap, hn::Set(di, simd::kDead));
    add(0, hn::And(exists, upper));
    add(1, hn::And(exists, hn::AndNot(upper, alive)));
  }
  m.counts[2 * x] = counts[0];
  m.counts[2 * x + 1] = counts[1];
}

/// The same, one channel at a time: each gradient is written at the end of both lists, and the end moves where it belongs.
/// Branches would be mispredicted, and without AVX-512 Compress() is slow.
HWY_INLINE void ListWinners(const ConvPoolGeometry& g, std::int32_t filter, const float* HWY_RESTRICT grad_dst,
                            const std::uint8_t* HWY_RESTRICT taps, Index x, const DataMemory& m) {
  const Index first[] = {2 * x * m.list, (2 * x + 1) * m.list};
  Index upper = first[0], lower = first[1];
  std::int32_t offset = 0;
  for (Index o = 0; o < g.oc; ++o) {
    const std::int32_t tap = taps[o];
    m.offsets[upper] = m.offsets[lower] = offset + tap % 2 * filter;
    m.gradients[upper] = m.gradients[lower] = grad_dst[o];
    upper += tap < 2;
    lower += tap == 2 || tap == 3;
    offset += 2 * filter;
  }
  m.counts[2 * x] = upper - first[0];
  m.counts[2 * x + 1] = lower - first[1];
}

/// Rows of filters, and vectors of such, whose sums the registers hold.
constexpr int kMostFilterRows = 6;
constexpr int VectorsAtOnce(int rows) {
  const int vectors = kRegisters / (rows + 1);
  return vectors < kMostVectors ? vectors : kMostVectors;
}

/// All tiles of one window.
HWY_INLINE void SpreadWindow(const ConvPoolGeometry& g, const FilterTable& t, const float* table,
                             const WindowLists& lists, float* to) {
  const Index down = (g.kh + kMostFilterRows - 1) / kMostFilterRows;
  const Index height = (g.kh + down - 1) / down;
  for (Index r = 0; r < g.kh; r += height) {
    WithNumber<kMostFilterRows>(Least(height, g.kh - r), [&](auto rows) HWY_ATTR {
      constexpr int kRows = decltype(rows)::value, kMost = VectorsAtOnce(kRows);
      // The half takes the place of a vector.
      const Index last = kMost - (t.has_half ? 1 : 0);
      Index v = 0;
      for (; t.vectors - v > last; v += Least(kMost, t.vectors - v)) {
        WithNumber<kMost>(t.vectors - v, [&](auto vectors) HWY_ATTR {
          SpreadTile<kRows, decltype(vectors)::value, false>(t, table, r, v, lists, to, g.row);
        });
      }
      WithNumber<kMost + 1>(t.vectors - v + 1, [&](auto one_more) HWY_ATTR {
        constexpr int kVectors = decltype(one_more)::value - 1;
        if constexpr (kVectors < kMost) {
          if (t.has_half) return SpreadTile<kRows, kVectors, true>(t, table, r, v, lists, to, g.row);
        }
        if constexpr (kVectors > 0) SpreadTile<kRows, kVectors, false>(t, table, r, v, lists, to, g.row);
      });
    });
  }
}

/// The gradient of an image with its padding.
HWY_INLINE void SpreadImage(const ConvPoolGeometry& g, const FilterTable& t, const DataMemory& m, const float* table,
                            const float* grad_dst, Index room, const std::uint8_t* taps) {
  const auto filter = static_cast<std::int32_t>(t.filter);
  for (Index lane = 0; lane < kLanes; ++lane) {
    m.filters[lane] = lane < g.oc ? static_cast<std::int32_t>(2 * lane) * filter : 0;
  }
  std::memset(m.image, 0, usize(g.rows * g.row) * sizeof(float));
  for (Index y = 0; y < g.oh; ++y) {
    // The lists of a whole row first: the processor need not wait for them.
    for (Index x = 0; x < g.ow; ++x) {
      const Index window = y * g.ow + x, first = window * g.oc;
      const std::uint8_t* const winners = taps + window * g.lanes_oc;
      if constexpr (HWY_TARGET <= HWY_AVX3) {
        CompressWinners(g, filter, grad_dst + first, room - first, winners, x, m);
      } else {
        ListWinners(g, filter, grad_dst + first, winners, x, m);
      }
    }
    for (Index x = 0; x < g.ow; ++x) {
      SpreadWindow(g, t, table, {ListOf(m, x, 0), ListOf(m, x, 1)}, m.image + 2 * (y * g.row + x * g.ic));
    }
  }
}

/// The gradient of an image without its padding.
void BackwardData(const ConvPoolGeometry& g, const DataMemory& m, const float* table, const float* grad_dst, Index room,
                  const std::uint8_t* taps, float* grad_src) {
  SpreadImage(g, FilterTable(g), m, table, grad_dst, room, taps);
  const Index row = g.iw * g.ic;
  const Index rows = Least(g.ih, g.rows - g.pt);  // that windows reach
  const float* const from = m.image + g.pt * g.row + g.pl * g.ic;
  if (row == g.row) {
    std::memcpy(grad_src, from, usize(rows * row) * sizeof(float));
  } else {
    for (Index y = 0; y < rows; ++y) CopyFew(from + y * g.row, row, grad_src + y * row);
  }
  std::memset(grad_src + rows * row, 0, usize((g.ih - rows) * row) * sizeof(float));
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(PackBackward);
HWY_EXPORT(BackwardData);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

Index image_floats(const ConvPoolGeometry& g) { return round_up(g.rows * g.row + kSlack, kMostLanes); }
/// With room for the last vector, or for one more: the ends of both lists are written.
Index list_size(const ConvPoolGeometry& g) { return round_up(g.oc + 1, kMostLanes); }
Index list_floats(const ConvPoolGeometry& g) { return 2 * g.ow * list_size(g); }
/// Indices, each as large as two floats.
Index count_floats(const ConvPoolGeometry& g) { return round_up(4 * g.ow, kMostLanes); }
static_assert(sizeof(Index) == 2 * sizeof(float));

}  // namespace

Index DataGradient::table_floats(const ConvPoolGeometry& g) {
  return g.oc * 2 * g.kh * round_up((g.kw + 1) * g.ic, kMostLanes);
}

void DataGradient::pack(const ConvPoolGeometry& g, const float* weight, float* table) {
  HWY_DYNAMIC_DISPATCH(PackBackward)(g, weight, table);
}

Index DataGradient::floats(const ConvPoolGeometry& g) {
  return image_floats(g) + 2 * list_floats(g) + count_floats(g) + kMostLanes;
}

DataGradient::DataGradient(const ConvPoolGeometry& g, const float* table, float* memory) : g_(&g), table_(table) {
  m_.image = memory;
  m_.gradients = memory + image_floats(g);
  m_.offsets = reinterpret_cast<std::int32_t*>(m_.gradients + list_floats(g));
  m_.counts = reinterpret_cast<Index*>(m_.offsets + list_floats(g));
  m_.filters = reinterpret_cast<std::int32_t*>(m_.counts) + count_floats(g);
  m_.list = list_size(g);
}

void DataGradient::run(const float* grad_dst, Index room, const std::uint8_t* taps, float* grad_src) {
  HWY_DYNAMIC_DISPATCH(BackwardData)(*g_, m_, table_, grad_dst, room, taps, grad_src);
}

}  // namespace saccade::kernels::simd
#endif
