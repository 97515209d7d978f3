#include <algorithm>
#include <cmath>
#include <vector>

#include "saccade/image/filter_internal.h"
#include "saccade/image/warp_internal.h"

/// B-splines through the pixels (M. Unser, "Splines: a perfect fit for signal and image processing", 1999): a recursive
/// filter turns pixels into coefficients, whose weighted sum over order + 1 neighbours an axis passes through every pixel.
namespace saccade::warp_internal {
namespace {

/// How the recursive filter goes on beyond the ends.
Border ends_of(FillMode mode) {
  if (mode == FillMode::reflect || mode == FillMode::nearest) return Border::reflect;
  return mode == FillMode::grid_wrap ? Border::wrap : Border::mirror;
}

/// Border pixels repeated before the filter for FillMode::nearest, as SciPy does: coordinates are clamped beyond them, where
/// the coefficients have settled.
constexpr Index kNearestMargin = 12;

/// The poles of the filter, all between -1 and 0.
std::vector<double> poles(int order) {
  switch (order) {
    case 2:
      return {std::sqrt(8.0) - 3.0};
    case 3:
      return {std::sqrt(3.0) - 2.0};
    case 4:
      return {std::sqrt(664.0 - std::sqrt(438976.0)) + std::sqrt(304.0) - 19.0,
              std::sqrt(664.0 + std::sqrt(438976.0)) - std::sqrt(304.0) - 19.0};
    default:
      return {std::sqrt(67.5 - std::sqrt(4436.25)) + std::sqrt(26.25) - 6.5,
              std::sqrt(67.5 + std::sqrt(4436.25)) - std::sqrt(26.25) - 6.5};
  }
}

/// A line of numbers `step` apart.
struct Line {
  double* first;
  Index count;
  Index step;

  double& operator[](Index i) const { return first[i * step]; }
};

/// The first output of c[i] += z c[i-1], for a line that goes on as `ends` says.
double causal_start(const Line& c, double z, Border ends) {
  const Index n = c.count;
  double power = z;
  if (ends == Border::mirror) {
    const double far = std::pow(z, static_cast<double>(n - 1));
    double sum = c[0] + far * c[n - 1];
    for (Index i = 1; i < n - 1; ++i, power *= z) sum += power * (c[i] + far * c[n - 1 - i]);
    return sum / (1.0 - far * far);
  }
  if (ends == Border::reflect) {
    const double far = std::pow(z, static_cast<double>(n));
    double sum = c[0] + far * c[n - 1];
    for (Index i = 1; i < n - 1; ++i, power *= z) sum += power * (c[i] + far * c[n - 1 - i]);
    sum += power * (c[n - 1] + far * sum);  // the last term should take c[0]; SciPy has replaced it by the sum already
    return c[0] + sum * z / (1.0 - far * far);
  }
  double sum = c[0];
  for (Index i = 1; i < n; ++i, power *= z) sum += power * c[n - i];
  return sum / (1.0 - power);
}

/// The last output of c[i] = z (c[i+1] - c[i]), run backwards.
double anticausal_start(const Line& c, double z, Border ends) {
  const Index n = c.count;
  if (ends == Border::mirror) return (z * c[n - 2] + c[n - 1]) * z / (z * z - 1.0);
  if (ends == Border::reflect) return c[n - 1] * z / (z - 1.0);
  double sum = c[n - 1], power = z;
  for (Index i = 0; i < n - 1; ++i, power *= z) sum += power * c[i];
  return sum * z / (power - 1.0);
}

void filter_line(const Line& c, const std::vector<double>& zs, Border ends) {
  if (c.count < 2) return;
  double gain = 1.0;
  for (const double z : zs) gain *= (1.0 - z) * (1.0 - 1.0 / z);
  for (Index i = 0; i < c.count; ++i) c[i] *= gain;
  for (const double z : zs) {
    c[0] = causal_start(c, z, ends);
    for (Index i = 1; i < c.count; ++i) c[i] += z * c[i - 1];
    c[c.count - 1] = anticausal_start(c, z, ends);
    for (Index i = c.count - 2; i >= 0; --i) c[i] = z * (c[i + 1] - c[i]);
  }
}

/// The basis B-spline of that order at a distance |x| from its centre: the sum of truncated powers
///   1/order! * sum over k of (-1)^k (order+1 choose k) max(0, (order+1)/2 - |x| - k)^order
double basis(int order, double x) {
  const double reach = 0.5 * (order + 1) - std::abs(x);
  double sum = 0.0, choose = 1.0, factorial = 1.0;
  for (int k = 0; k <= order && reach - k > 0.0; ++k) {
    sum += choose * std::pow(reach - k, order);
    choose *= -static_cast<double>(order + 1 - k) / (k + 1);
  }
  for (int k = 2; k <= order; ++k) factorial *= k;
  return sum / factorial;
}

/// The taps of one coordinate along one axis.
struct Taps {
  std::array<Index, 6> at{};
  std::array<double, 6> weight{};

  Taps(double coordinate, Index n, int order, Border ends) {
    const double middle = order % 2 == 1 ? std::floor(coordinate) : std::floor(coordinate + 0.5);
    const Index first = static_cast<Index>(middle) - order / 2;
    for (int k = 0; k <= order; ++k) {
      at[usize(k)] = filter_internal::border_index(first + k, n, ends);
      weight[usize(k)] = basis(order, coordinate - static_cast<double>(first + k));
    }
  }
};

/// The coefficients of one channel.
struct Coefficients {
  std::vector<double> values;
  Index height = 0, width = 0;
  Index margin = 0;  // pixels repeated on each side
  Border ends;

  Coefficients(const Padded& src, FillMode mode, int order)
      : margin(mode == FillMode::nearest ? kNearestMargin : 0), ends(ends_of(mode)), zs_(poles(order)) {
    height = src.height + 2 * margin;
    width = src.width + 2 * margin;
    values.resize(usize(height * width));
  }

  void take(const Padded& src, Index channel) {
    for (Index r = 0; r < height; ++r) {
      const Index source_row = std::clamp(r - margin, Index{0}, src.height - 1);
      for (Index c = 0; c < width; ++c) {
        const Index source_column = std::clamp(c - margin, Index{0}, src.width - 1);
        values[usize(r * width + c)] = src.values[source_row * src.stride() + source_column * src.channels + channel];
      }
    }
    for (Index c = 0; c < width; ++c) filter_line({values.data() + c, height, width}, zs_, ends);
    for (Index r = 0; r < height; ++r) filter_line({values.data() + r * width, width, 1}, zs_, ends);
  }

  double at(double y, double x, int order) const {
    const Taps rows(y, height, order, ends), columns(x, width, order, ends);
    double sum = 0.0;
    for (int j = 0; j <= order; ++j) {
      for (int i = 0; i <= order; ++i) {
        sum += values[usize(rows.at[usize(j)] * width + columns.at[usize(i)])] * rows.weight[usize(j)] *
               columns.weight[usize(i)];
      }
    }
    return sum;
  }

 private:
  std::vector<double> zs_;
};

}  // namespace

void warp_spline(const Padded& src, const AffineMap& map, const WarpOptions& options, std::span<float> dst) {
  const int order = options.interpolation_order;
  Coefficients coefficients(src, options.fill_mode, order);
  const double margin = static_cast<double>(coefficients.margin);
  const auto beyond = [](double c, Index n) { return c < 0.0 || c > static_cast<double>(n - 1); };
  std::vector<double> y(usize(src.width)), x(usize(src.width));
  for (Index channel = 0; channel < src.channels; ++channel) {
    coefficients.take(src, channel);
    for (Index r = 0; r < src.height; ++r) {
      const double row = static_cast<double>(options.flip_vertical ? src.height - 1 - r : r);
      for (Index c = 0; c < src.width; ++c) {
        const double column = static_cast<double>(options.flip_horizontal ? src.width - 1 - c : c);
        y[usize(c)] = map.row_offset + map.row_from_row * row + map.row_from_column * column + margin;
        x[usize(c)] = map.column_offset + map.column_from_row * row + map.column_from_column * column + margin;
      }
      bring_in(options.fill_mode, coefficients.height, y);
      bring_in(options.fill_mode, coefficients.width, x);
      for (Index c = 0; c < src.width; ++c) {
        const double j = y[usize(c)], i = x[usize(c)];
        const bool outside = options.fill_mode == FillMode::constant && (beyond(j, src.height) || beyond(i, src.width));
        dst[usize((r * src.width + c) * src.channels + channel)] =
            outside ? options.cval : static_cast<float>(coefficients.at(j, i, order));
      }
    }
  }
}

}  // namespace saccade::warp_internal
