#include <type_traits>

#include "saccade/image/resize_internal.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/image/resize_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saccade::resize_internal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Calls body(a constant) for counts up to kUnrolled, so that its loops have no counters, else body(count).
template <class Body>
HWY_INLINE void Unrolled(Index count, Body&& body) {
  switch (count) {
    case 1:
      return body(std::integral_constant<Index, 1>());
    case 2:
      return body(std::integral_constant<Index, 2>());
    case 3:
      return body(std::integral_constant<Index, 3>());
    case 4:
      return body(std::integral_constant<Index, 4>());
    case 5:
      return body(std::integral_constant<Index, 5>());
    case 6:
      return body(std::integral_constant<Index, 6>());
    default:
      return body(count);
  }
}

template <class Count>
HWY_INLINE void ResizeRowOf(Count count, const std::uint8_t* src, std::uint8_t* dst, const Run* runs, Index width,
                            Index channels) {
  const hn::FixedTag<std::int32_t, 4> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  for (Index x = 0; x < width; ++x, dst += channels) {
    const Run& run = runs[x];
    const std::uint8_t* pixel = src + run.first * channels;
    auto sum = hn::Set(d, kOneHalf);
    for (Index k = 0; k < count; ++k, pixel += channels) {
      sum = hn::Add(sum, hn::Mul(hn::PromoteTo(d, hn::LoadU(bytes, pixel)), hn::Set(d, run.weights[k])));
    }
    const auto result = hn::DemoteTo(bytes, hn::ShiftRight<kWeightBits>(sum));
    if (x + 1 < width || channels == 4) {
      hn::StoreU(result, bytes, dst);  // with three channels, the fourth byte is the next pixel's
    } else {
      HWY_ALIGN std::uint8_t last[4];
      hn::StoreU(result, bytes, last);
      for (Index c = 0; c < channels; ++c) dst[c] = last[c];
    }
  }
}

void ResizeRow(const std::uint8_t* src, std::uint8_t* dst, const Run* runs, Index width, Index channels) {
  Unrolled(runs[0].count, [&](auto count) HWY_ATTR {
    if (channels == 3) {
      ResizeRowOf(count, src, dst, runs, width, std::integral_constant<Index, 3>());
    } else {
      ResizeRowOf(count, src, dst, runs, width, channels);
    }
  });
}

template <class Count>
HWY_INLINE void ResizeColumnOf(Count count, const std::uint8_t* src, Index stride, const Run& run, std::uint8_t* dst,
                               Index size) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    auto sum = hn::Set(d, kOneHalf);
    for (Index k = 0; k < count; ++k) {
      const auto line = hn::PromoteTo(d, hn::LoadU(bytes, src + k * stride + i));
      sum = hn::Add(sum, hn::Mul(line, hn::Set(d, run.weights[k])));
    }
    hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<kWeightBits>(sum)), bytes, dst + i);
  }
  for (; i < size; ++i) {
    std::int32_t sum = kOneHalf;
    for (Index k = 0; k < count; ++k) sum += run.weights[k] * src[k * stride + i];
    sum >>= kWeightBits;
    dst[i] = static_cast<std::uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
  }
}

void ResizeColumn(const std::uint8_t* src, Index stride, const Run& run, std::uint8_t* dst, Index size) {
  Unrolled(run.count, [&](auto count) HWY_ATTR { ResizeColumnOf(count, src, stride, run, dst, size); });
}

}  // namespace saccade::resize_internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::resize_internal {
HWY_EXPORT(ResizeRow);
HWY_EXPORT(ResizeColumn);

void resize_row(const std::uint8_t* src, std::uint8_t* dst, const Run* runs, Index width, Index channels) {
  HWY_DYNAMIC_DISPATCH(ResizeRow)(src, dst, runs, width, channels);
}

void resize_column(const std::uint8_t* src, Index stride, const Run& run, std::uint8_t* dst, Index bytes) {
  HWY_DYNAMIC_DISPATCH(ResizeColumn)(src, stride, run, dst, bytes);
}

}  // namespace saccade::resize_internal
#endif
