#include "saccade/image/warp_internal.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/image/warp_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saccade::warp_internal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using DoubleTag = hn::ScalableTag<double>;
using Doubles = hn::Vec<DoubleTag>;

/// The coordinate brought into the picture, between -1 and n: what floor() makes of it, clamped below, is a pixel or the
/// padding. SciPy's formulas, in its order of operations.
struct Axis {
  double n, m;  // n pixels, m = n - 1

  HWY_INLINE Doubles Reflect(Doubles c) const {
    const DoubleTag d;
    const Doubles zero = hn::Zero(d), period = hn::Set(d, 2.0 * n), size = hn::Set(d, n), one = hn::Set(d, 1.0);
    const Doubles times_below = hn::Trunc(hn::Div(hn::Neg(c), period));
    const Doubles below = hn::IfThenElse(hn::Lt(c, hn::Neg(period)), hn::Add(c, hn::Mul(period, times_below)), c);
    const Doubles from_below =
        hn::IfThenElse(hn::Lt(below, hn::Neg(size)), hn::Add(below, period), hn::Sub(hn::Neg(below), one));
    const Doubles above = hn::Sub(c, hn::Mul(period, hn::Trunc(hn::Div(c, period))));
    const Doubles from_above = hn::IfThenElse(hn::Ge(above, size), hn::Sub(hn::Sub(period, above), one), above);
    return hn::IfThenElse(hn::Lt(c, zero), from_below, hn::IfThenElse(hn::Gt(c, hn::Set(d, m)), from_above, c));
  }

  HWY_INLINE Doubles Wrap(Doubles c) const {
    const DoubleTag d;
    const Doubles period = hn::Set(d, m);
    const Doubles times_below = hn::Add(hn::Trunc(hn::Div(hn::Neg(c), period)), hn::Set(d, 1.0));
    const Doubles from_below = hn::Add(c, hn::Mul(period, times_below));
    const Doubles from_above = hn::Sub(c, hn::Mul(period, hn::Trunc(hn::Div(c, period))));
    return hn::IfThenElse(hn::Lt(c, hn::Zero(d)), from_below, hn::IfThenElse(hn::Gt(c, period), from_above, c));
  }

  HWY_INLINE Doubles GridWrap(Doubles c) const {
    const DoubleTag d;
    const Doubles period = hn::Set(d, n);
    const Doubles inside = hn::Sub(c, hn::Mul(period, hn::Floor(hn::Div(c, period))));
    return hn::IfThenElse(hn::Lt(inside, period), inside, hn::Zero(d));
  }

  HWY_INLINE Doubles Map(FillMode mode, Doubles c) const {
    const DoubleTag d;
    if (mode == FillMode::nearest) return hn::Min(hn::Max(c, hn::Zero(d)), hn::Set(d, m));
    if (mode == FillMode::constant) return c;
    if (n == 1.0) return hn::Zero(d);
    if (mode == FillMode::reflect) return Reflect(c);
    if (mode == FillMode::wrap) return Wrap(c);
    return GridWrap(c);
  }
};

/// Where the pixels of one row of the result come from.
struct Row {
  Axis y, x;
  double y_first, y_step, x_first, x_step;  // coordinates of column 0, and from column to column
  bool mirrored;                            // the row's columns are wanted from the last to the first
  double stride, channels;

  HWY_INLINE bool Inside(double coordinate, const Axis& axis) const {
    return coordinate >= 0.0 && coordinate <= axis.m;
  }
  /// Coordinates change steadily along the row, so that its two ends tell.
  HWY_INLINE bool WhollyInside(Index width) const {
    const double last = static_cast<double>(width - 1);
    return Inside(y_first, y) && Inside(y_first + y_step * last, y) && Inside(x_first, x) &&
           Inside(x_first + x_step * last, x);
  }
};

/// The pixel at or before a coordinate, and how far behind it the coordinate lies. Before the first pixel, where only
/// reflection leads: the first.
HWY_INLINE Doubles Cell(Doubles coordinate, bool may_precede, Doubles* fraction) {
  const DoubleTag d;
  const Doubles cell = hn::Floor(coordinate);
  if (!may_precede) {
    *fraction = hn::Sub(coordinate, cell);
    return cell;
  }
  const auto before = hn::Lt(cell, hn::Zero(d));
  *fraction = hn::IfThenZeroElse(before, hn::Sub(coordinate, cell));
  return hn::IfThenZeroElse(before, cell);
}

HWY_INLINE void PlanRow(const Row& row, FillMode mode, int order, Index width, const PixelPlan& plan) {
  const DoubleTag d;
  const hn::Rebind<std::int32_t, DoubleTag> di;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const bool inside = row.WhollyInside(width), may_precede = !inside && mode == FillMode::reflect;
  const Doubles half = hn::Set(d, 0.5), zero = hn::Zero(d), one = hn::Set(d, 1.0);
  const Doubles y_first = hn::Set(d, row.y_first), y_step = hn::Set(d, row.y_step);
  const Doubles x_first = hn::Set(d, row.x_first), x_step = hn::Set(d, row.x_step);
  const double last = static_cast<double>(width - 1);
  for (Index c = 0; c < width; c += lanes) {
    Doubles column =
        hn::Min(hn::Iota(d, static_cast<double>(c)), hn::Set(d, last));  // a vector may reach beyond the row
    if (row.mirrored) column = hn::Sub(hn::Set(d, last), column);
    Doubles y = hn::Add(y_first, hn::Mul(y_step, column));
    Doubles x = hn::Add(x_first, hn::Mul(x_step, column));
    auto outside = hn::Lt(zero, zero);
    if (!inside) {
      y = row.y.Map(mode, y);
      x = row.x.Map(mode, x);
      if (mode == FillMode::constant) {
        outside = hn::Or(hn::Or(hn::Lt(y, zero), hn::Gt(y, hn::Set(d, row.y.m))),
                         hn::Or(hn::Lt(x, zero), hn::Gt(x, hn::Set(d, row.x.m))));
      }
    }
    if (order == 0) {
      y = hn::Add(y, half);
      x = hn::Add(x, half);
    }
    Doubles fy, fx;
    const Doubles j = Cell(y, may_precede, &fy), i = Cell(x, may_precede, &fx);
    Doubles offset = hn::Add(hn::Mul(j, hn::Set(d, row.stride)), hn::Mul(i, hn::Set(d, row.channels)));
    offset = hn::IfThenElse(outside, hn::Set(d, -1.0), offset);
    hn::StoreU(hn::DemoteTo(di, offset), di, plan.offset + c);
    const Doubles upper = hn::Sub(one, fy), left = hn::Sub(one, fx);
    hn::StoreU(hn::Mul(upper, left), d, plan.weight[0] + c);
    hn::StoreU(hn::Mul(upper, fx), d, plan.weight[1] + c);
    hn::StoreU(hn::Mul(fy, left), d, plan.weight[2] + c);
    hn::StoreU(hn::Mul(fy, fx), d, plan.weight[3] + c);
  }
}

/// Three or four channels: a pixel is one vector. What is written beyond a pixel is the next one's, or the tail.
HWY_INLINE void BlendColors(const Padded& src, Index width, const PixelPlan& plan, float cval, float* dst) {
  const hn::CappedTag<double, 4> d;
  const hn::Rebind<float, decltype(d)> df;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const Index channels = src.channels, stride = src.stride();
  const float* const values = src.values;
  const std::int32_t* const offsets = plan.offset;
  const double* const w00 = plan.weight[0];
  const double* const w01 = plan.weight[1];
  const double* const w10 = plan.weight[2];
  const double* const w11 = plan.weight[3];
  for (Index c = 0; c < width; ++c, dst += channels) {
    if (offsets[c] < 0) {
      for (Index k = 0; k < channels; ++k) dst[k] = cval;
      continue;
    }
    const float* const at = values + offsets[c];
    for (Index k = 0; k < 4; k += lanes) {
      auto sum = hn::Mul(hn::PromoteTo(d, hn::LoadU(df, at + k)), hn::Set(d, w00[c]));
      sum = hn::MulAdd(hn::PromoteTo(d, hn::LoadU(df, at + channels + k)), hn::Set(d, w01[c]), sum);
      sum = hn::MulAdd(hn::PromoteTo(d, hn::LoadU(df, at + stride + k)), hn::Set(d, w10[c]), sum);
      sum = hn::MulAdd(hn::PromoteTo(d, hn::LoadU(df, at + stride + channels + k)), hn::Set(d, w11[c]), sum);
      hn::StoreU(hn::DemoteTo(df, sum), df, dst + k);
    }
  }
}

/// One channel: a vector is as many pixels.
HWY_INLINE void BlendGrey(const Padded& src, Index width, const PixelPlan& plan, float cval, float* dst) {
  const DoubleTag d;
  const hn::Rebind<float, DoubleTag> df;
  const hn::Rebind<std::int32_t, DoubleTag> di;
  const Index lanes = static_cast<Index>(hn::Lanes(d)), stride = src.stride();
  for (Index c = 0; c < width; c += lanes) {
    const auto planned = hn::LoadU(di, plan.offset + c);
    const auto offset = hn::Max(planned, hn::Zero(di));
    const Doubles v00 = hn::PromoteTo(d, hn::GatherIndex(df, src.values, offset));
    const Doubles v01 = hn::PromoteTo(d, hn::GatherIndex(df, src.values + 1, offset));
    const Doubles v10 = hn::PromoteTo(d, hn::GatherIndex(df, src.values + stride, offset));
    const Doubles v11 = hn::PromoteTo(d, hn::GatherIndex(df, src.values + stride + 1, offset));
    Doubles sum = hn::Mul(v00, hn::LoadU(d, plan.weight[0] + c));
    sum = hn::MulAdd(v01, hn::LoadU(d, plan.weight[1] + c), sum);
    sum = hn::MulAdd(v10, hn::LoadU(d, plan.weight[2] + c), sum);
    sum = hn::MulAdd(v11, hn::LoadU(d, plan.weight[3] + c), sum);
    auto value = hn::DemoteTo(df, sum);
    value = hn::IfThenElse(hn::RebindMask(df, hn::Lt(planned, hn::Zero(di))), hn::Set(df, cval), value);
    if (c + lanes <= width) {
      hn::StoreU(value, df, dst + c);
    } else {
      HWY_ALIGN float rest[hn::MaxLanes(df)];
      hn::Store(value, df, rest);
      for (Index i = c; i < width; ++i) dst[i] = rest[i - c];
    }
  }
}

HWY_INLINE void BlendAny(const Padded& src, Index width, const PixelPlan& plan, float cval, float* dst) {
  const Index channels = src.channels, stride = src.stride();
  for (Index c = 0; c < width; ++c, dst += channels) {
    const std::int32_t offset = plan.offset[c];
    for (Index k = 0; k < channels; ++k) {
      if (offset < 0) {
        dst[k] = cval;
        continue;
      }
      const float* const at = src.values + offset + k;
      dst[k] = static_cast<float>(at[0] * plan.weight[0][c] + at[channels] * plan.weight[1][c] +
                                  at[stride] * plan.weight[2][c] + at[stride + channels] * plan.weight[3][c]);
    }
  }
}

HWY_INLINE void PickNearest(const Padded& src, Index width, const PixelPlan& plan, float cval, float* dst) {
  const Index channels = src.channels;
  for (Index c = 0; c < width; ++c, dst += channels) {
    const std::int32_t offset = plan.offset[c];
    for (Index k = 0; k < channels; ++k) dst[k] = offset < 0 ? cval : src.values[offset + k];
  }
}

void BringIn(FillMode mode, Index n, double* coordinates, Index count) {
  const DoubleTag d;
  const Axis axis{static_cast<double>(n), static_cast<double>(n - 1)};
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  HWY_ALIGN double rest[hn::MaxLanes(d)] = {};
  for (Index i = 0; i < count; i += lanes) {
    const Index many = count - i < lanes ? count - i : lanes;
    for (Index k = 0; k < many; ++k) rest[k] = coordinates[i + k];
    hn::Store(axis.Map(mode, hn::Load(d, rest)), d, rest);
    for (Index k = 0; k < many; ++k) coordinates[i + k] = rest[k];
  }
}

void WarpLinear(const Padded& src, const AffineMap& map, const WarpOptions& options, const PixelPlan& plan, float* dst,
                float* last_row) {
  const double height = static_cast<double>(src.height), width = static_cast<double>(src.width);
  for (Index r = 0; r < src.height; ++r) {
    const double source = static_cast<double>(options.flip_vertical ? src.height - 1 - r : r);
    const Row row{.y = {height, height - 1.0},
                  .x = {width, width - 1.0},
                  .y_first = map.row_offset + map.row_from_row * source,
                  .y_step = map.row_from_column,
                  .x_first = map.column_offset + map.column_from_row * source,
                  .x_step = map.column_from_column,
                  .mirrored = options.flip_horizontal,
                  .stride = static_cast<double>(src.stride()),
                  .channels = static_cast<double>(src.channels)};
    PlanRow(row, options.fill_mode, options.interpolation_order, src.width, plan);
    // Vectors write a little beyond the row: into the next one, or, behind the last, into the spare row.
    float* const to = r + 1 < src.height ? dst + r * src.width * src.channels : last_row;
    if (options.interpolation_order == 0) {
      PickNearest(src, src.width, plan, options.cval, to);
    } else if (src.channels == 1) {
      BlendGrey(src, src.width, plan, options.cval, to);
    } else if (src.channels == 3 || src.channels == 4) {
      BlendColors(src, src.width, plan, options.cval, to);
    } else {
      BlendAny(src, src.width, plan, options.cval, to);
    }
  }
}

}  // namespace saccade::warp_internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::warp_internal {
HWY_EXPORT(WarpLinear);
HWY_EXPORT(BringIn);

void warp_linear(const Padded& src, const AffineMap& map, const WarpOptions& options, const PixelPlan& plan, float* dst,
                 float* last_row) {
  HWY_DYNAMIC_DISPATCH(WarpLinear)(src, map, options, plan, dst, last_row);
}

void bring_in(FillMode mode, Index n, std::span<double> coordinates) {
  HWY_DYNAMIC_DISPATCH(BringIn)(mode, n, coordinates.data(), isize(coordinates.size()));
}

}  // namespace saccade::warp_internal
#endif
