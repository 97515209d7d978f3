#include "saccade/kernels/norm/channel_norm.h"

#include "saccade/kernels/simd/simd.h"

#ifndef SACCADE_KERNELS_NORM_CHANNEL_POINTERS
#define SACCADE_KERNELS_NORM_CHANNEL_POINTERS
namespace saccade::kernels {

/// ChannelNorm and ChannelNormGradient without their extents, as the loops see them.
struct ChannelPointers {
  const float *mean, *factor, *offset, *tilt, *shift;
};

}  // namespace saccade::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/norm/channel_norm.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>

#include "saccade/kernels/norm/norm_vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// Rows whose sums are added up in float, before they go to those in double.
constexpr Index kFloatRows = 16;

/// So far ahead, in floats, what is read is fetched: the rows come from memory, one behind the other.
constexpr Index kAhead = 2048;

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

void NormaliseRows(Index rows, Index channels, Activation activation, const float* src, const ChannelPointers& norm,
                   float* dst) {
  WithFunction(activation, [=, &norm](auto function) HWY_ATTR {
    ForChannels(rows, channels, [=, &norm](Index i, Index c) HWY_ATTR {
      const FloatTag d;
      hwy::Prefetch(src + i + kAhead);
      const FloatVector v = NormalisedOf(hn::LoadU(d, src + i), hn::LoadU(d, norm.mean + c),
                                         hn::LoadU(d, norm.factor + c), hn::LoadU(d, norm.offset + c))
                                .value;
      hn::StoreU(decltype(function)::Forward(v), d, dst + i);
    });
  });
}

void NormaliseGradientRows(Index rows, Index channels, const float* grad, const float* src, const ChannelPointers& norm,
                           float* to) {
  ForChannels(rows, channels, [=, &norm](Index i, Index c) HWY_ATTR {
    const FloatTag d;
    hwy::Prefetch(src + i + kAhead);
    hwy::Prefetch(grad + i + kAhead);
    const FloatVector difference = hn::Sub(hn::LoadU(d, src + i), hn::LoadU(d, norm.mean + c));
    hn::StoreU(GradientBefore(hn::LoadU(d, grad + i), difference, hn::LoadU(d, norm.factor + c),
                              hn::LoadU(d, norm.tilt + c), hn::LoadU(d, norm.shift + c)),
               d, to + i);
  });
}

/// kVectors vectors of channels of each row, whose coefficients and sums stay in registers.
template <class Function, bool kStreams, std::size_t kVectors>
HWY_INLINE void MaskColumns(Index rows, Index channels, const float* src, const ChannelPointers& norm,
                            const float* grad, float* to, double* sums) {
  const FloatTag d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const auto at = [lanes](std::size_t v) HWY_ATTR { return static_cast<Index>(v) * lanes; };
  FloatVector mean[kVectors], factor[kVectors], offset[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) {
    mean[v] = hn::LoadU(d, norm.mean + at(v));
    factor[v] = hn::LoadU(d, norm.factor + at(v));
    offset[v] = hn::LoadU(d, norm.offset + at(v));
  }
  for (Index first = 0; first < rows; first += kFloatRows) {
    const Index last = rows - first < kFloatRows ? rows : first + kFloatRows;
    FloatVector sum[kVectors], product[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) sum[v] = product[v] = hn::Zero(d);
    for (Index row = first; row < last; ++row) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const Index i = row * channels + at(v);
        const Normalised x = NormalisedOf(hn::LoadU(d, src + i), mean[v], factor[v], offset[v]);
        const FloatVector before = Function::Gradient(x.value, hn::LoadU(d, grad + i));
        if constexpr (kStreams) {
          hn::Stream(before, d, to + i);
        } else {
          hn::StoreU(before, d, to + i);
        }
        sum[v] = hn::Add(sum[v], before);
        product[v] = hn::MulAdd(before, x.difference, product[v]);
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      AddDoubles(sum[v], sums + at(v));
      AddDoubles(product[v], sums + channels + at(v));
    }
  }
}

template <class Function, bool kStreams>
void MaskRows(Index rows, Index channels, const float* src, const ChannelPointers& norm, const float* grad, float* to,
              double* sums) {
  const Index lanes = static_cast<Index>(hn::Lanes(FloatTag()));
  Index c = 0;
  const auto columns = [&]<std::size_t kVectors>() HWY_ATTR {
    for (; c + static_cast<Index>(kVectors) * lanes <= channels; c += static_cast<Index>(kVectors) * lanes) {
      MaskColumns<Function, kStreams, kVectors>(rows, channels, src + c,
                                                {norm.mean + c, norm.factor + c, norm.offset + c, nullptr, nullptr},
                                                grad + c, to + c, sums + c);
    }
  };
  if constexpr (HWY_CAP_GE512) columns.template operator()<4>();
  columns.template operator()<2>();
  columns.template operator()<1>();
}

void MaskGradientRows(Index rows, Index channels, Activation activation, const float* src, const ChannelPointers& norm,
                      const float* grad, float* to, bool streams, double* sums) {
  WithFunction(activation, [=, &norm](auto function) HWY_ATTR {
    const auto walk = streams ? MaskRows<decltype(function), true> : MaskRows<decltype(function), false>;
    walk(rows, channels, src, norm, grad, to, sums);
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

ChannelPointers pointers_of(const ChannelNorm& n) {
  return {n.mean.data(), n.factor.data(), n.offset.data(), nullptr, nullptr};
}

}  // namespace

std::string decline_channel_norm(Index c, Activation activation) {
  const bool takes =
      activation == Activation::linear || activation == Activation::relu || activation == Activation::relu6;
  if (!takes) return "the activation before it is neither relu nor relu6";
  return c % kMostLanes == 0 ? "" : "the channels before it are not whole vectors";
}

void normalise_rows(Index rows, Index c, Activation activation, const float* src, const ChannelNorm& norm, float* dst) {
  HWY_DYNAMIC_DISPATCH(NormaliseRows)(rows, c, activation, src, pointers_of(norm), dst);
}

void normalise_gradient_rows(Index rows, Index c, const float* grad, const float* src, const ChannelNormGradient& norm,
                             float* to) {
  HWY_DYNAMIC_DISPATCH(NormaliseGradientRows)
  (rows, c, grad, src, {norm.mean.data(), norm.factor.data(), nullptr, norm.tilt.data(), norm.shift.data()}, to);
}

void mask_gradient_rows(Index rows, Index c, Activation activation, const float* src, const ChannelNorm& norm,
                        const float* grad, float* to, bool streams, double* sums) {
  HWY_DYNAMIC_DISPATCH(MaskGradientRows)(rows, c, activation, src, pointers_of(norm), grad, to, streams, sums);
}

}  // namespace saccade::kernels::simd
#endif
