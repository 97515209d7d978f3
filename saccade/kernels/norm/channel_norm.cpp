#include "saccade/kernels/norm/channel_norm.h"

#include <cstdint>

#include "saccade/kernels/norm/batch_norm_simd.h"
#include "saccade/kernels/norm/norm_pointers.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/norm/channel_norm.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>

#include "saccade/kernels/norm/norm_vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Rows whose sums are added up in float, before they go to those in double.
constexpr Index kFloatRows = 16;

/// Fetches what will be read so many bytes further on, which need not be there.
HWY_INLINE void FetchAhead(const float* from) {
  constexpr std::uintptr_t kAhead = 8192;
  hwy::Prefetch(reinterpret_cast<const float*>(reinterpret_cast<std::uintptr_t>(from) + kAhead));
}

/// to[i] += v[i].
HWY_INLINE void AddDoubles(FloatVector v, double* to) {
  const DoubleTag d;
  const std::size_t half = hn::Lanes(d);
  hn::StoreU(hn::Add(hn::LoadU(d, to), LowerDoubles(v)), d, to);
  hn::StoreU(hn::Add(hn::LoadU(d, to + half), UpperDoubles(v)), d, to + half);
}

/// Calls op(i, c) for the vectors of `rows` rows of whole vectors: at element i, channel c on.
template <class Op>
HWY_INLINE void ForChannels(Index rows, Index channels, Op&& op) {
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  for (Index row = 0; row < rows; ++row) {
    for (Index c = 0; c < channels; c += lanes) op(row * channels + c, c);
  }
}

void NormaliseRows(Index rows, Index channels, Activation activation, const float* src, const NormPointers& norm,
                   float* dst) {
  WithFunction(activation, [=, &norm](auto function) HWY_ATTR {
    ForChannels(rows, channels, [=, &norm](Index i, Index c) HWY_ATTR {
      const FloatTag d;
      FetchAhead(src + i);
      const FloatVector v = NormalisedOf(hn::LoadU(d, src + i), hn::LoadU(d, norm.mean + c),
                                         hn::LoadU(d, norm.factor + c), hn::LoadU(d, norm.offset + c))
                                .value;
      hn::StoreU(decltype(function)::Forward(v), d, dst + i);
    });
  });
}

void NormaliseGradientRows(Index rows, Index channels, const float* grad, const float* src,
                           const NormGradientPointers& norm, float* to) {
  ForChannels(rows, channels, [=, &norm](Index i, Index c) HWY_ATTR {
    const FloatTag d;
    FetchAhead(src + i);
    FetchAhead(grad + i);
    const FloatVector difference = hn::Sub(hn::LoadU(d, src + i), hn::LoadU(d, norm.mean + c));
    hn::StoreU(GradientBefore(hn::LoadU(d, grad + i), difference, hn::LoadU(d, norm.factor + c),
                              hn::LoadU(d, norm.tilt + c), hn::LoadU(d, norm.shift + c)),
               d, to + i);
  });
}

/// kVectors vectors of each row, from channel c on, whose coefficients and sums stay in registers.
template <class Function, bool kStreams, std::size_t kVectors>
HWY_INLINE void MaskColumns(const NormPointers& norm, const simd::MaskedRows& r, Index c) {
  const FloatTag d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const auto at = [=](std::size_t v) HWY_ATTR { return c + static_cast<Index>(v) * lanes; };
  FloatVector mean[kVectors], factor[kVectors], offset[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) {
    mean[v] = hn::LoadU(d, norm.mean + at(v));
    factor[v] = hn::LoadU(d, norm.factor + at(v));
    offset[v] = hn::LoadU(d, norm.offset + at(v));
  }
  for (Index first = 0; first < r.rows; first += kFloatRows) {
    const Index last = r.rows - first < kFloatRows ? r.rows : first + kFloatRows;
    FloatVector sum[kVectors], product[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) sum[v] = product[v] = hn::Zero(d);
    for (Index row = first; row < last; ++row) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const Index i = row * r.c + at(v);
        const Normalised x = NormalisedOf(hn::LoadU(d, r.src + i), mean[v], factor[v], offset[v]);
        const FloatVector before = Function::Gradient(x.value, hn::LoadU(d, r.grad + i));
        if constexpr (kStreams) {
          hn::Stream(before, d, r.to + i);
        } else {
          hn::StoreU(before, d, r.to + i);
        }
        sum[v] = hn::Add(sum[v], before);
        product[v] = hn::MulAdd(before, x.difference, product[v]);
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      AddDoubles(sum[v], r.sums + at(v));
      AddDoubles(product[v], r.sums + r.c + at(v));
    }
  }
}

template <class Function, bool kStreams>
void MaskRows(const NormPointers& norm, const simd::MaskedRows& r) {
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  Index c = 0;
  const auto columns = [&]<std::size_t kVectors>() HWY_ATTR {
    const Index step = static_cast<Index>(kVectors) * lanes;
    for (; c + step <= r.c; c += step) MaskColumns<Function, kStreams, kVectors>(norm, r, c);
  };
  if constexpr (HWY_CAP_GE512) columns.template operator()<4>();
  columns.template operator()<2>();
  columns.template operator()<1>();
}

void MaskGradientRows(Activation activation, const NormPointers& norm, const simd::MaskedRows& rows) {
  WithFunction(activation, [&](auto function) HWY_ATTR {
    const auto walk = rows.streams ? MaskRows<decltype(function), true> : MaskRows<decltype(function), false>;
    walk(norm, rows);
  });
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(NormaliseRows);
HWY_EXPORT(NormaliseGradientRows);
HWY_EXPORT(MaskGradientRows);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

NormPointers pointers_of(const ChannelNorm& n) { return {n.mean.data(), n.factor.data(), n.offset.data()}; }

}  // namespace

std::string decline_channel_norm(Index c, Activation activation) {
  if (!takes_activation(activation)) return "the activation before it is neither relu nor relu6";
  return c % kMostLanes == 0 ? "" : "the channels before it are not whole vectors";
}

void normalise_rows(Index rows, Index c, Activation activation, const float* src, const ChannelNorm& norm, float* dst) {
  HWY_DYNAMIC_DISPATCH(NormaliseRows)(rows, c, activation, src, pointers_of(norm), dst);
}

void normalise_gradient_rows(Index rows, Index c, const float* grad, const float* src, const ChannelNormGradient& norm,
                             float* to) {
  HWY_DYNAMIC_DISPATCH(NormaliseGradientRows)
  (rows, c, grad, src, {norm.mean.data(), norm.factor.data(), norm.tilt.data(), norm.shift.data()}, to);
}

void mask_gradient_rows(Activation activation, const ChannelNorm& norm, const MaskedRows& rows) {
  HWY_DYNAMIC_DISPATCH(MaskGradientRows)(activation, pointers_of(norm), rows);
}

}  // namespace saccade::kernels::simd
#endif
