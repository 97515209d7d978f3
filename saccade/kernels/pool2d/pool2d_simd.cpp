#include "saccade/base/parallel.h"
#include "saccade/kernels/pool2d/pool2d_simd_internal.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/pool2d/pool2d_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

#ifndef SACCADE_KERNELS_POOL2D_SIMD_ONCE
#define SACCADE_KERNELS_POOL2D_SIMD_ONCE
namespace saccade::kernels::simd {

/// A Pool2DProblem's numbers, with those that follow from them.
struct PoolGeometry {
  bool max, keeps, overlaps, wide;
  Index n, ih, iw, c, kh, kw, sh, sw, pt, pl, oh, ow;
};

}  // namespace saccade::kernels::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using simd::PoolGeometry;

/// The real taps of a window along one axis: first .. last-1, and the pixel that `first` lies on.
struct Taps {
  Index first, last, pixel;
  HWY_INLINE Index count() const { return last > first ? last - first : 0; }
};

HWY_INLINE Taps TapsOf(Index window, Index k, Index stride, Index pad, Index in) {
  const Index start = window * stride - pad;
  const Index first = start < 0 ? -start : 0;
  return {first, start + k > in ? in - start : k, start + first};
}

/// A number that the compiler knows.
template <Index kValue>
struct Constant {
  HWY_INLINE constexpr operator Index() const { return kValue; }
};

HWY_INLINE Index Smaller(Index a, Index b) { return a < b ? a : b; }

/// Windows first .. last-1 of a row that no padding cuts, and whose vectors stay within the memory of the task.
struct Run {
  Index first, last;
};

/// `room` counts the elements from the first channel of window 0's result, or last pixel, to where memory ends, and
/// `step` those from one window to the next.
struct Room {
  Index room, step;
};

HWY_INLINE Run WholeWindows(const PoolGeometry& g, Index vector_channels, Room a, Room b) {
  const Index first = (g.pl + g.sw - 1) / g.sw;
  const Index slack = g.iw + g.pl - g.kw;
  Index last = slack < 0 ? 0 : Smaller(g.ow, slack / g.sw + 1);
  while (last > first &&
         (a.room - (last - 1) * a.step < vector_channels || b.room - (last - 1) * b.step < vector_channels)) {
    --last;
  }
  return {first, last};
}

/// Channels rounded up to whole vectors.
template <class D>
HWY_INLINE Index VectorChannels(D d, Index c) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  return (c + lanes - 1) / lanes * lanes;
}

/// Calls op(rows, columns) with constants for the usual windows, so that loops over their taps are unrolled.
template <class Op>
HWY_INLINE void WithTaps(Index rows, Index columns, const Op& op) {
  if (rows == 2 && columns == 2) return op(Constant<2>(), Constant<2>());
  if (rows == 3 && columns == 3) return op(Constant<3>(), Constant<3>());
  op(rows, columns);
}

/// Calls op(tag, i) for vectors of channels that begin at i. The last one may reach beyond the channels, into elements
/// that are written later anyway, as far as there is room; the rest goes one by one.
template <class D, class Op>
HWY_INLINE void ForChannels(D d, Index c, Index room, const Op& op) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i < c && i + lanes <= room; i += lanes) op(d, i);
  for (; i < c; ++i) op(hn::CappedTag<float, 1>(), i);
}

/// The taps of one window: rows and columns that are real, and the number of the first.
struct Window {
  Index rows, columns, tap;
};

/// One vector of results of max pooling.
template <class D, class T>
HWY_INLINE void MaxOfWindow(D d, const PoolGeometry& g, Window w, const float* HWY_RESTRICT src,
                            float* HWY_RESTRICT dst, T* HWY_RESTRICT saved) {
  const hn::RebindToSigned<D> di;
  auto best = hn::LoadU(d, src);
  auto winner = hn::Set(di, static_cast<std::int32_t>(w.tap));
  for (Index r = 0; r < w.rows; ++r) {
    for (Index q = r == 0 ? 1 : 0; q < w.columns; ++q) {
      const auto value = hn::LoadU(d, src + (r * g.iw + q) * g.c);
      const auto larger = hn::Lt(best, value);
      best = hn::IfThenElse(larger, value, best);
      const auto number = hn::Set(di, static_cast<std::int32_t>(w.tap + r * g.kw + q));
      winner = hn::IfThenElse(hn::RebindMask(di, larger), number, winner);
    }
  }
  hn::StoreU(best, d, dst);
  if (saved != nullptr) hn::StoreU(hn::DemoteTo(hn::Rebind<T, D>(), winner), hn::Rebind<T, D>(), saved);
}

template <class D>
HWY_INLINE void MeanOfWindow(D d, const PoolGeometry& g, Window w, const float* HWY_RESTRICT src,
                             float* HWY_RESTRICT dst) {
  auto sum = hn::Zero(d);
  for (Index r = 0; r < w.rows; ++r) {
    for (Index q = 0; q < w.columns; ++q) sum = hn::Add(sum, hn::LoadU(d, src + (r * g.iw + q) * g.c));
  }
  hn::StoreU(hn::Div(sum, hn::Set(d, static_cast<float>(w.rows * w.columns))), d, dst);
}

template <bool kMax, class D, class T>
HWY_INLINE void PoolWindow(D d, const PoolGeometry& g, Window w, const float* src, float* dst, T* saved) {
  if constexpr (kMax) {
    MaxOfWindow(d, g, w, src, dst, saved);
  } else {
    MeanOfWindow(d, g, w, src, dst);
  }
}

/// Output rows first_row .. last_row-1 of the batch.
template <bool kMax, class T, class D>
void ForwardRows(D d, const PoolGeometry g, const float* src, float* dst, T* saved, Index first_row, Index last_row) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const Index src_elements = g.n * g.ih * g.iw * g.c;
  for (Index row = first_row; row < last_row; ++row) {
    const Taps rows = TapsOf(row % g.oh, g.kh, g.sh, g.pt, g.ih);
    const Index line = ((row / g.oh) * g.ih + rows.pixel) * g.iw * g.c;  // of the first real tap
    const Index row_out = row * g.ow * g.c;
    const Index row_room = (last_row - row) * g.ow * g.c;
    // Windows at the edges, where padding or the end of memory is near.
    const auto edge = [&](Index x) HWY_ATTR {
      const Taps columns = TapsOf(x, g.kw, g.sw, g.pl, g.iw);
      const Index out = row_out + x * g.c;
      T* const kept = g.keeps ? saved + out : nullptr;
      if (rows.count() == 0 || columns.count() == 0) {
        for (Index i = 0; i < g.c; ++i) dst[out + i] = 0.0F;
        for (Index i = 0; i < g.c && kept != nullptr; ++i) kept[i] = 0;
        return;
      }
      const Index in = line + columns.pixel * g.c;
      const Index last_pixel = in + ((rows.count() - 1) * g.iw + columns.count() - 1) * g.c;
      const Window w{rows.count(), columns.count(), rows.first * g.kw + columns.first};
      ForChannels(d, g.c, Smaller(row_room - x * g.c, src_elements - last_pixel), [&](auto tag, Index i) HWY_ATTR {
        PoolWindow<kMax>(tag, g, w, src + in + i, dst + out + i, kept == nullptr ? kept : kept + i);
      });
    };
    const Index last_tap = line + ((rows.count() - 1) * g.iw + g.kw - 1 - g.pl) * g.c;
    const Run run = rows.count() == 0 ? Run{0, 0}
                                      : WholeWindows(g, VectorChannels(d, g.c), {row_room, g.c},
                                                     {src_elements - last_tap, g.sw * g.c});
    for (Index x = 0; x < Smaller(run.first, g.ow); ++x) edge(x);
    WithTaps(rows.count(), g.kw, [&](auto row_count, auto column_count) HWY_ATTR {
      for (Index x = run.first; x < run.last; ++x) {
        const Index out = row_out + x * g.c;
        const Index in = line + (x * g.sw - g.pl) * g.c;
        for (Index i = 0; i < g.c; i += lanes) {
          PoolWindow<kMax>(d, g, {row_count, column_count, rows.first * g.kw}, src + in + i, dst + out + i,
                           g.keeps ? saved + out + i : nullptr);
        }
      }
    });
    for (Index x = run.last > run.first ? run.last : Smaller(run.first, g.ow); x < g.ow; ++x) edge(x);
  }
}

/// The gradient of a window, to be handed to its pixels: by max pooling to the winner, otherwise in equal shares.
template <class D>
struct Gradient {
  hn::Vec<D> value;
  hn::Vec<hn::RebindToSigned<D>> winner;
};

template <bool kMax, class D, class T>
HWY_INLINE Gradient<D> LoadGradient(D d, Index pixels, const float* grad_dst, const T* saved, Index at) {
  const hn::RebindToSigned<D> di;
  const auto value = hn::LoadU(d, grad_dst + at);
  if constexpr (!kMax) return {hn::Div(value, hn::Set(d, static_cast<float>(pixels))), hn::Zero(di)};
  return {value, hn::PromoteTo(di, hn::LoadU(hn::Rebind<T, D>(), saved + at))};
}

/// The part of the pixel under tap number `tap`.
template <bool kMax, class D>
HWY_INLINE hn::Vec<D> PartOf(D d, const Gradient<D>& gradient, Index tap) {
  if constexpr (!kMax) return gradient.value;
  const auto number = hn::Set(hn::RebindToSigned<D>(), static_cast<std::int32_t>(tap));
  return hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(gradient.winner, number)), gradient.value);
}

HWY_INLINE void FillZero(float* from, float* to) {
  for (; from < to; ++from) *from = 0.0F;
}

/// Windows that do not overlap: every pixel is written once, in the order of memory, so that what a vector writes beyond
/// its channels is overwritten after it.
template <bool kMax, class T, class D>
void BackwardApart(D d, const PoolGeometry g, const float* HWY_RESTRICT grad_dst, const T* HWY_RESTRICT saved,
                   float* HWY_RESTRICT grad_src, Index first_image, Index last_image) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  // Vector after vector of channels, each for all its pixels, is the order of memory too when no vector reaches into the
  // next pixel's second one.
  const bool in_order = g.c <= lanes || g.c % lanes == 0;
  const Index dst_elements = g.n * g.oh * g.ow * g.c;
  float* const end = grad_src + last_image * g.ih * g.iw * g.c;
  for (Index row = first_image * g.ih; row < last_image * g.ih; ++row) {
    const Index y = (row % g.ih + g.pt) / g.sh;
    const Index tap_row = (row % g.ih + g.pt) % g.sh;
    float* const line = grad_src + row * g.iw * g.c;
    float* next = line;
    if (y >= g.oh || tap_row >= g.kh) {
      FillZero(next, line + g.iw * g.c);
      continue;
    }
    const Index rows = TapsOf(y, g.kh, g.sh, g.pt, g.ih).count();
    const Index row_out = (row / g.ih * g.oh + y) * g.ow * g.c;
    const auto edge = [&](Index x) HWY_ATTR {
      const Taps columns = TapsOf(x, g.kw, g.sw, g.pl, g.iw);
      if (columns.count() == 0) return;
      FillZero(next, line + columns.pixel * g.c);
      const Index out = row_out + x * g.c;
      for (Index q = 0; q < columns.count(); ++q) {
        float* const pixel = line + (columns.pixel + q) * g.c;
        const Index tap = tap_row * g.kw + columns.first + q;
        ForChannels(d, g.c, Smaller(end - pixel, dst_elements - out), [&](auto tag, Index i) HWY_ATTR {
          const auto gradient = LoadGradient<kMax>(tag, rows * columns.count(), grad_dst, saved, out + i);
          hn::StoreU(PartOf<kMax>(tag, gradient, tap), tag, pixel + i);
        });
      }
      next = line + (columns.pixel + columns.count()) * g.c;
    };
    const Index last_tap = (line - grad_src) + (g.kw - 1 - g.pl) * g.c;
    const Run run = WholeWindows(g, VectorChannels(d, g.c), {dst_elements - row_out, g.c},
                                 {(end - grad_src) - last_tap, g.sw * g.c});
    for (Index x = 0; x < Smaller(run.first, g.ow); ++x) edge(x);
    WithTaps(g.kw, g.kw, [&](auto columns, auto) HWY_ATTR {
      for (Index x = run.first; x < run.last; ++x) {
        float* const first = line + (x * g.sw - g.pl) * g.c;
        FillZero(next, first);
        const Index out = row_out + x * g.c;
        if (in_order) {
          for (Index i = 0; i < g.c; i += lanes) {
            const auto gradient = LoadGradient<kMax>(d, rows * g.kw, grad_dst, saved, out + i);
            for (Index q = 0; q < columns; ++q) {
              hn::StoreU(PartOf<kMax>(d, gradient, tap_row * g.kw + q), d, first + q * g.c + i);
            }
          }
        } else {
          for (Index q = 0; q < columns; ++q) {
            for (Index i = 0; i < g.c; i += lanes) {
              const auto gradient = LoadGradient<kMax>(d, rows * g.kw, grad_dst, saved, out + i);
              hn::StoreU(PartOf<kMax>(d, gradient, tap_row * g.kw + q), d, first + q * g.c + i);
            }
          }
        }
        next = first + columns * g.c;
      }
    });
    for (Index x = run.last > run.first ? run.last : Smaller(run.first, g.ow); x < g.ow; ++x) edge(x);
    FillZero(next, line + g.iw * g.c);
  }
}

/// Windows that overlap: gradients are added up, window after window. Lanes beyond the channels add 0.
template <bool kMax, class T, class D>
void BackwardOverlapping(D d, const PoolGeometry g, const float* HWY_RESTRICT grad_dst, const T* HWY_RESTRICT saved,
                         float* HWY_RESTRICT grad_src, Index first_image, Index last_image) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const Index dst_elements = g.n * g.oh * g.ow * g.c;
  const Index src_end = last_image * g.ih * g.iw * g.c;
  float* zeroed = grad_src + first_image * g.ih * g.iw * g.c;
  for (Index row = first_image * g.oh; row < last_image * g.oh; ++row) {
    const Taps rows = TapsOf(row % g.oh, g.kh, g.sh, g.pt, g.ih);
    if (rows.count() == 0) continue;
    const Index line = ((row / g.oh) * g.ih + rows.pixel) * g.iw * g.c;  // of the first real tap
    const Index row_out = row * g.ow * g.c;
    // Zeros only just before they are added to, while they stay in the cache. What a vector adds beyond them is nothing.
    float* const reached = grad_src + line + rows.count() * g.iw * g.c;
    FillZero(zeroed, reached);
    zeroed = zeroed < reached ? reached : zeroed;
    // One vector of channels of one window.
    const auto add = [&](auto tag, auto row_count, auto column_count, Index tap, Index in, Index out, Index i)
                         HWY_ATTR {
                           auto gradient = LoadGradient<kMax>(tag, row_count * column_count, grad_dst, saved, out + i);
                           gradient.value = hn::IfThenElseZero(hn::FirstN(tag, usize(g.c - i)), gradient.value);
                           for (Index r = 0; r < row_count; ++r) {
                             for (Index q = 0; q < column_count; ++q) {
                               float* const pixel = grad_src + in + (r * g.iw + q) * g.c + i;
                               const auto part = PartOf<kMax>(tag, gradient, tap + r * g.kw + q);
                               hn::StoreU(hn::Add(hn::LoadU(tag, pixel), part), tag, pixel);
                             }
                           }
                         };
    const auto edge = [&](Index x) HWY_ATTR {
      const Taps columns = TapsOf(x, g.kw, g.sw, g.pl, g.iw);
      if (columns.count() == 0) return;
      const Index in = line + columns.pixel * g.c, out = row_out + x * g.c;
      const Index last_pixel = in + ((rows.count() - 1) * g.iw + columns.count() - 1) * g.c;
      ForChannels(d, g.c, Smaller(src_end - last_pixel, dst_elements - out), [&](auto tag, Index i) HWY_ATTR {
        add(tag, rows.count(), columns.count(), rows.first * g.kw + columns.first, in, out, i);
      });
    };
    const Index last_tap = line + ((rows.count() - 1) * g.iw + g.kw - 1 - g.pl) * g.c;
    const Run run =
        WholeWindows(g, VectorChannels(d, g.c), {dst_elements - row_out, g.c}, {src_end - last_tap, g.sw * g.c});
    for (Index x = 0; x < Smaller(run.first, g.ow); ++x) edge(x);
    WithTaps(rows.count(), g.kw, [&](auto row_count, auto column_count) HWY_ATTR {
      for (Index x = run.first; x < run.last; ++x) {
        for (Index i = 0; i < g.c; i += lanes) {
          add(d, row_count, column_count, rows.first * g.kw, line + (x * g.sw - g.pl) * g.c, row_out + x * g.c, i);
        }
      }
    });
    for (Index x = run.last > run.first ? run.last : Smaller(run.first, g.ow); x < g.ow; ++x) edge(x);
  }
  FillZero(zeroed, grad_src + src_end);
}

/// Calls op(tag) with vectors no longer than the channels fill.
template <class Op>
HWY_INLINE void WithVectorFor(Index c, const Op& op) {
  if (c <= 4) return op(hn::CappedTag<float, 4>());
  if (c <= 8) return op(hn::CappedTag<float, 8>());
  op(hn::ScalableTag<float>());
}

template <bool kMax, class T>
HWY_INLINE void Forward(const PoolGeometry& g, const float* src, float* dst, T* saved, Index first, Index last) {
  WithVectorFor(g.c, [&](auto d) HWY_ATTR { ForwardRows<kMax>(d, g, src, dst, saved, first, last); });
}

void PoolForward(const PoolGeometry& g, const float* src, float* dst, std::byte* saved, Index first, Index last) {
  if (!g.max) return Forward<false>(g, src, dst, reinterpret_cast<std::uint8_t*>(saved), first, last);
  if (g.wide) return Forward<true>(g, src, dst, reinterpret_cast<std::uint16_t*>(saved), first, last);
  Forward<true>(g, src, dst, reinterpret_cast<std::uint8_t*>(saved), first, last);
}

template <bool kMax, class T>
HWY_INLINE void Backward(const PoolGeometry& g, const float* grad_dst, const T* saved, float* grad_src, Index first,
                         Index last) {
  WithVectorFor(g.c, [&](auto d) HWY_ATTR {
    if (g.overlaps) return BackwardOverlapping<kMax>(d, g, grad_dst, saved, grad_src, first, last);
    BackwardApart<kMax>(d, g, grad_dst, saved, grad_src, first, last);
  });
}

void PoolBackward(const PoolGeometry& g, const float* grad_dst, const std::byte* saved, float* grad_src, Index first,
                  Index last) {
  const auto* const narrow = reinterpret_cast<const std::uint8_t*>(saved);
  if (!g.max) return Backward<false>(g, grad_dst, narrow, grad_src, first, last);
  if (g.wide) return Backward<true>(g, grad_dst, reinterpret_cast<const std::uint16_t*>(saved), grad_src, first, last);
  Backward<true>(g, grad_dst, narrow, grad_src, first, last);
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(PoolForward);
HWY_EXPORT(PoolBackward);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

constexpr Index kMostTaps = Index{1} << 16;

class SimdPool2D final : public Pool2DKernel {
 public:
  explicit SimdPool2D(const Pool2DProblem& p)
      : g_{.max = p.kind == PoolKind::max,
           .keeps = p.kind == PoolKind::max && p.training,
           .overlaps = p.kh > p.sh || p.kw > p.sw,
           .wide = p.kh * p.kw > 256,
           .n = p.n,
           .ih = p.ih,
           .iw = p.iw,
           .c = p.c,
           .kh = p.kh,
           .kw = p.kw,
           .sh = p.sh,
           .sw = p.sw,
           .pt = p.ph.before,
           .pl = p.pw.before,
           .oh = p.oh(),
           .ow = p.ow()} {}

  Index saved_bytes() const override { return g_.keeps ? g_.n * g_.oh * g_.ow * g_.c * (g_.wide ? 2 : 1) : 0; }

  void forward(const Pool2DBuffers& b) override {
    parallel_ranges(g_.n * g_.oh, rows_per_task(g_.sh * g_.iw * g_.c), [&](Index first, Index last) {
      HWY_DYNAMIC_DISPATCH(PoolForward)(g_, b.src.data(), b.dst.data(), b.saved.data(), first, last);
    });
  }

  void backward(const Pool2DBuffers& b) override {
    parallel_ranges(g_.n, rows_per_task(g_.ih * g_.iw * g_.c), [&](Index first, Index last) {
      HWY_DYNAMIC_DISPATCH(PoolBackward)(g_, b.grad_dst.data(), b.saved.data(), b.grad_src.data(), first, last);
    });
  }

 private:
  PoolGeometry g_;
};

}  // namespace

std::string decline(const Pool2DProblem& p) {
  if (p.dh != 1 || p.dw != 1) return "the window is dilated";
  return p.kind == PoolKind::max && p.kh * p.kw > kMostTaps ? "the window has more than 65536 pixels" : "";
}

std::unique_ptr<Pool2DKernel> make(const Pool2DProblem& p) { return std::make_unique<SimdPool2D>(p); }

}  // namespace saccade::kernels::simd
#endif
