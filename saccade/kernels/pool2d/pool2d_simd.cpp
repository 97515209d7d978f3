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

HWY_INLINE Index Smaller(Index a, Index b) { return a < b ? a : b; }

/// Calls op(tag, i) for vectors of channels that begin at i. The last one may reach beyond the channels, into elements
/// that are written later anyway, as far as there is room; the rest goes one by one.
template <class D, class Op>
HWY_INLINE void ForChannels(D d, Index c, Index room, const Op& op) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i < c && i + lanes <= room; i += lanes) op(d, i);
  for (; i < c; ++i) op(hn::CappedTag<float, 1>(), i);
}

/// One vector of results of max pooling; `tap` is the number of the first real tap.
template <class D, class T>
HWY_INLINE void MaxOfWindow(D d, const PoolGeometry& g, Index rows, Index columns, Index tap, const float* src,
                            float* dst, T* saved) {
  const hn::RebindToSigned<D> di;
  auto best = hn::LoadU(d, src);
  auto winner = hn::Set(di, static_cast<std::int32_t>(tap));
  for (Index r = 0; r < rows; ++r) {
    for (Index q = r == 0 ? 1 : 0; q < columns; ++q) {
      const auto value = hn::LoadU(d, src + (r * g.iw + q) * g.c);
      const auto larger = hn::Lt(best, value);
      best = hn::IfThenElse(larger, value, best);
      const auto number = hn::Set(di, static_cast<std::int32_t>(tap + r * g.kw + q));
      winner = hn::IfThenElse(hn::RebindMask(di, larger), number, winner);
    }
  }
  hn::StoreU(best, d, dst);
  if (saved != nullptr) hn::StoreU(hn::DemoteTo(hn::Rebind<T, D>(), winner), hn::Rebind<T, D>(), saved);
}

template <class D>
HWY_INLINE void MeanOfWindow(D d, const PoolGeometry& g, Index rows, Index columns, const float* src, float* dst) {
  auto sum = hn::Zero(d);
  for (Index r = 0; r < rows; ++r) {
    for (Index q = 0; q < columns; ++q) sum = hn::Add(sum, hn::LoadU(d, src + (r * g.iw + q) * g.c));
  }
  hn::StoreU(hn::Div(sum, hn::Set(d, static_cast<float>(rows * columns))), d, dst);
}

/// Output rows first_row .. last_row-1 of the batch.
template <class T, class D>
void ForwardRows(D d, const PoolGeometry& g, const float* src, float* dst, T* saved, Index first_row, Index last_row) {
  const Index src_elements = g.n * g.ih * g.iw * g.c;
  for (Index row = first_row; row < last_row; ++row) {
    const Index n = row / g.oh;
    const Taps rows = TapsOf(row % g.oh, g.kh, g.sh, g.pt, g.ih);
    for (Index x = 0; x < g.ow; ++x) {
      const Taps columns = TapsOf(x, g.kw, g.sw, g.pl, g.iw);
      const Index out = (row * g.ow + x) * g.c;
      T* const kept = g.keeps ? saved + out : nullptr;
      if (rows.count() == 0 || columns.count() == 0) {
        for (Index i = 0; i < g.c; ++i) dst[out + i] = 0.0F;
        for (Index i = 0; i < g.c && kept != nullptr; ++i) kept[i] = 0;
        continue;
      }
      const Index in = ((n * g.ih + rows.pixel) * g.iw + columns.pixel) * g.c;
      const Index last_pixel = in + ((rows.count() - 1) * g.iw + columns.count() - 1) * g.c;
      const Index room = Smaller(last_row * g.ow * g.c - out, src_elements - last_pixel);
      ForChannels(d, g.c, room, [&](auto tag, Index i) HWY_ATTR {
        if (g.max) {
          MaxOfWindow(tag, g, rows.count(), columns.count(), rows.first * g.kw + columns.first, src + in + i,
                      dst + out + i, kept == nullptr ? kept : kept + i);
        } else {
          MeanOfWindow(tag, g, rows.count(), columns.count(), src + in + i, dst + out + i);
        }
      });
    }
  }
}

/// What the window whose result stands at `at` hands to the pixel under tap number `tap`: its gradient if that tap won, or an equal share.
template <class D, class T>
HWY_INLINE hn::Vec<D> Handed(D d, const PoolGeometry& g, Index tap, Index pixels, const float* grad_dst, const T* saved,
                             Index at) {
  const auto grad = hn::LoadU(d, grad_dst + at);
  if (!g.max) return hn::Div(grad, hn::Set(d, static_cast<float>(pixels)));
  const hn::RebindToSigned<D> di;
  const auto winner = hn::PromoteTo(di, hn::LoadU(hn::Rebind<T, D>(), saved + at));
  const auto won = hn::Eq(winner, hn::Set(di, static_cast<std::int32_t>(tap)));
  return hn::IfThenElseZero(hn::RebindMask(d, won), grad);
}

HWY_INLINE void FillZero(float* from, float* to) {
  for (; from < to; ++from) *from = 0.0F;
}

/// Windows that do not overlap: every pixel is written once, in the order of memory, so that what a vector writes beyond
/// its channels is overwritten after it.
template <class T, class D>
void BackwardApart(D d, const PoolGeometry& g, const float* grad_dst, const T* saved, float* grad_src,
                   Index first_image, Index last_image) {
  const Index dst_elements = g.n * g.oh * g.ow * g.c;
  float* const end = grad_src + last_image * g.ih * g.iw * g.c;
  for (Index line = first_image * g.ih; line < last_image * g.ih; ++line) {
    const Index n = line / g.ih;
    const Index y = (line % g.ih + g.pt) / g.sh;
    const Index tap_row = (line % g.ih + g.pt) % g.sh;
    float* next = grad_src + line * g.iw * g.c;
    float* const line_end = next + g.iw * g.c;
    if (y >= g.oh || tap_row >= g.kh) {
      FillZero(next, line_end);
      continue;
    }
    const Index rows = TapsOf(y, g.kh, g.sh, g.pt, g.ih).count();
    for (Index x = 0; x < g.ow; ++x) {
      const Taps columns = TapsOf(x, g.kw, g.sw, g.pl, g.iw);
      if (columns.count() == 0) continue;
      float* const first = line_end - (g.iw - columns.pixel) * g.c;
      FillZero(next, first);
      const Index out = ((n * g.oh + y) * g.ow + x) * g.c;
      for (Index q = 0; q < columns.count(); ++q) {
        float* const pixel = first + q * g.c;
        const Index tap = tap_row * g.kw + columns.first + q;
        ForChannels(d, g.c, Smaller(end - pixel, dst_elements - out), [&](auto tag, Index i) HWY_ATTR {
          const auto handed = Handed(tag, g, tap, rows * columns.count(), grad_dst, saved, out + i);
          hn::StoreU(handed, tag, pixel + i);
        });
      }
      next = first + columns.count() * g.c;
    }
    FillZero(next, line_end);
  }
}

/// Windows that overlap: gradients are added up, window after window.
template <class T, class D>
void BackwardOverlapping(D d, const PoolGeometry& g, const float* grad_dst, const T* saved, float* grad_src,
                         Index first_image, Index last_image) {
  const Index dst_elements = g.n * g.oh * g.ow * g.c;
  const Index image = g.ih * g.iw * g.c;
  float* const end = grad_src + last_image * image;
  FillZero(grad_src + first_image * image, end);
  for (Index line = first_image * g.oh; line < last_image * g.oh; ++line) {
    const Index n = line / g.oh;
    const Taps rows = TapsOf(line % g.oh, g.kh, g.sh, g.pt, g.ih);
    for (Index x = 0; x < g.ow; ++x) {
      const Taps columns = TapsOf(x, g.kw, g.sw, g.pl, g.iw);
      const Index out = (line * g.ow + x) * g.c;
      for (Index tap = 0; tap < rows.count() * columns.count(); ++tap) {
        const Index r = tap / columns.count(), q = tap % columns.count();
        float* const pixel = grad_src + n * image + ((rows.pixel + r) * g.iw + columns.pixel + q) * g.c;
        const Index number = (rows.first + r) * g.kw + columns.first + q;
        ForChannels(d, g.c, Smaller(end - pixel, dst_elements - out), [&](auto tag, Index i) HWY_ATTR {
          const auto handed = Handed(tag, g, number, rows.count() * columns.count(), grad_dst, saved, out + i);
          const auto own = hn::IfThenElseZero(hn::FirstN(tag, usize(g.c - i)), handed);
          hn::StoreU(hn::Add(hn::LoadU(tag, pixel + i), own), tag, pixel + i);
        });
      }
    }
  }
}

/// Calls op(tag) with vectors no longer than the channels fill.
template <class Op>
HWY_INLINE void WithVectorFor(Index c, const Op& op) {
  if (c <= 4) return op(hn::CappedTag<float, 4>());
  if (c <= 8) return op(hn::CappedTag<float, 8>());
  op(hn::ScalableTag<float>());
}

void PoolForward(const PoolGeometry& g, const float* src, float* dst, std::byte* saved, Index first, Index last) {
  WithVectorFor(g.c, [&](auto d) HWY_ATTR {
    if (g.wide) return ForwardRows(d, g, src, dst, reinterpret_cast<std::uint16_t*>(saved), first, last);
    ForwardRows(d, g, src, dst, reinterpret_cast<std::uint8_t*>(saved), first, last);
  });
}

template <class T>
HWY_INLINE void Backward(const PoolGeometry& g, const float* grad_dst, const T* saved, float* grad_src, Index first,
                         Index last) {
  WithVectorFor(g.c, [&](auto d) HWY_ATTR {
    if (g.overlaps) return BackwardOverlapping(d, g, grad_dst, saved, grad_src, first, last);
    BackwardApart(d, g, grad_dst, saved, grad_src, first, last);
  });
}

void PoolBackward(const PoolGeometry& g, const float* grad_dst, const std::byte* saved, float* grad_src, Index first,
                  Index last) {
  if (g.wide) return Backward(g, grad_dst, reinterpret_cast<const std::uint16_t*>(saved), grad_src, first, last);
  Backward(g, grad_dst, reinterpret_cast<const std::uint8_t*>(saved), grad_src, first, last);
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
  return p.kind == PoolKind::max && p.kh * p.kw > kMostTaps ? "the window has more than 65536 pixels" : "";
}

std::unique_ptr<Pool2DKernel> make(const Pool2DProblem& p) { return std::make_unique<SimdPool2D>(p); }

}  // namespace saccade::kernels::simd
#endif
