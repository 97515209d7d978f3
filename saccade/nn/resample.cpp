#include "saccade/nn/resample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/nn/axis_map_internal.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/choice_internal.h"

namespace saccade {
namespace {

constexpr internal::Choices<Resampling, 3> kMethods{
    {{"nearest", Resampling::nearest}, {"linear", Resampling::linear}, {"cubic", Resampling::cubic}}};
constexpr internal::Choices<Coordinates, 5> kCoordinates{{{"half_pixel", Coordinates::half_pixel},
                                                          {"pytorch_half_pixel", Coordinates::pytorch_half_pixel},
                                                          {"align_corners", Coordinates::align_corners},
                                                          {"asymmetric", Coordinates::asymmetric},
                                                          {"half_pixel_floor", Coordinates::half_pixel_floor}}};
constexpr internal::Choices<Rounding, 4> kRoundings{{{"prefer_floor", Rounding::prefer_floor},
                                                     {"prefer_ceil", Rounding::prefer_ceil},
                                                     {"floor", Rounding::floor},
                                                     {"ceil", Rounding::ceil}}};

/// Where output i lies on an axis of `extent` inputs.
double coordinate(const ResampleOptions& o, Index i, Index extent, double scale) {
  const auto place = static_cast<double>(i);
  switch (o.coordinates) {
    case Coordinates::asymmetric:
      return place / scale;
    case Coordinates::half_pixel_floor:
      return (place + 0.5) / scale;
    case Coordinates::align_corners: {
      const double steps = scale * static_cast<double>(extent) - 1.0;
      return steps > 0.0 ? place * static_cast<double>(extent - 1) / steps : 0.0;
    }
    case Coordinates::pytorch_half_pixel:
      if (o.size == 1) return 0.0;
      break;
    case Coordinates::half_pixel:
      break;
  }
  return (place + 0.5) / scale - 0.5;
}

double rounded(Rounding rounding, double x) {
  switch (rounding) {
    case Rounding::prefer_floor:
      return std::ceil(x - 0.5);
    case Rounding::prefer_ceil:
      return std::floor(x + 0.5);
    case Rounding::floor:
      return std::floor(x);
    case Rounding::ceil:
      break;
  }
  return std::ceil(x);
}

/// The weight of a position at a distance from x.
double weight_at(const ResampleOptions& o, double distance) {
  const double t = std::abs(distance), a = static_cast<double>(o.cubic_a);
  if (o.method == Resampling::linear) return std::max(1.0 - t, 0.0);
  if (t <= 1.0) return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
  return t < 2.0 ? ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a : 0.0;
}

/// `narrow`: at most 1, how much narrower than the inputs' the outputs' raster is.
void add_taps(internal::AxisTaps& taps, const ResampleOptions& o, double x, Index extent, double narrow) {
  const auto last = static_cast<double>(extent - 1);
  if (o.method == Resampling::nearest) {
    taps.add(static_cast<Index>(std::clamp(rounded(o.rounding, x), 0.0, last)), 1.0);
    return;
  }
  const double reach = (o.method == Resampling::linear ? 1.0 : 2.0) / narrow;
  const double first = std::floor(x - reach) + 1.0, end = std::ceil(x + reach);
  const auto counts = [&](double position) { return !o.exclude_outside || (position >= 0.0 && position <= last); };
  double sum = 0.0;
  for (double position = first; position < end; ++position) {
    if (counts(position)) sum += weight_at(o, (position - x) * narrow);
  }
  for (double position = first; position < end; ++position) {
    const double weight = counts(position) ? weight_at(o, (position - x) * narrow) / sum : 0.0;
    if (weight != 0.0) taps.add(static_cast<Index>(std::clamp(position, 0.0, last)), weight);
  }
}

}  // namespace

void Resample::visit(ResampleOptions& o, OptionVisitor& v) {
  v.visit("axis", o.axis);
  v.visit("size", o.size);
  v.visit("scale", o.scale);
  internal::visit_choice("resample", "method", o.method, kMethods, v);
  internal::visit_choice("resample", "coordinates", o.coordinates, kCoordinates, v);
  internal::visit_choice("resample", "rounding", o.rounding, kRoundings, v);
  v.visit("cubic_a", o.cubic_a);
  v.visit("exclude_outside", o.exclude_outside);
  v.visit("antialias", o.antialias);
}

Shape Resample::infer(std::span<const Shape> src) const {
  constexpr float kMostScale = 1e6F;
  const Index axis = checks::axis(label(), options_.axis, src[0]);
  checks::positive(label(), "size", options_.size);
  checks::in_range(label(), "cubic_a", options_.cubic_a, -2.0F, 2.0F);
  if (options_.scale != 0.0F) checks::in_range(label(), "scale", options_.scale, 1.0F / kMostScale, kMostScale);
  return internal::with_extent(src[0], axis, options_.size);
}

std::unique_ptr<Operation> Resample::prepare(const PrepareContext& context) const {
  const Index axis = checks::axis(label(), options_.axis, context.src[0]);
  const Index extent = context.src[0].extents()[usize(axis)];
  const double ratio = static_cast<double>(options_.size) / static_cast<double>(extent);
  const double scale = options_.scale == 0.0F ? ratio : static_cast<double>(options_.scale);
  internal::AxisTaps taps;
  for (Index i = 0; i < options_.size; ++i) {
    taps.next();
    add_taps(taps, options_, coordinate(options_, i, extent, scale), extent,
             options_.antialias ? std::min(scale, 1.0) : 1.0);
  }
  return std::move(taps).prepare(context, axis);
}

}  // namespace saccade
