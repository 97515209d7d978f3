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

/// Lines of numbers side by side: `count` places, `step` numbers apart, each with `lanes` numbers of as many lines.
struct Lines {
  double* first;
  Index count;
  Index step;
  Index lanes;

  double* operator[](Index i) const { return first + i * step; }
};

/// to += by * from
void add(double* to, double by, const double* from, Index lanes) {
  for (Index k = 0; k < lanes; ++k) to[k] += by * from[k];
}

void scale(double* values, double by, Index lanes) {
  for (Index k = 0; k < lanes; ++k) values[k] *= by;
}

/// Powers of a pole from this one on are too small to show in a double.
Index last_power(double z) { return static_cast<Index>(std::ceil(std::log(1e-20) / std::log(std::abs(z)))); }

/// The first outputs of c[i] += z c[i-1], for lines that go on as `ends` says.
void causal_start(const Lines& c, double z, Border ends, double* sum) {
  const Index n = c.count, terms = std::min(n - 1, last_power(z));
  const double far = std::pow(z, static_cast<double>(ends == Border::reflect ? n : n - 1));
  double power = z;
  std::copy_n(c[0], c.lanes, sum);
  if (ends == Border::wrap) {
    for (Index i = 1; i < n && i <= terms; ++i, power *= z) add(sum, power, c[n - i], c.lanes);
    return scale(sum, 1.0 / (1.0 - far * z), c.lanes);
  }
  add(sum, far, c[n - 1], c.lanes);
  for (Index i = 1; i < n - 1 && i <= terms; ++i, power *= z) {
    add(sum, power, c[i], c.lanes);
    add(sum, power * far, c[n - 1 - i], c.lanes);
  }
  if (ends == Border::mirror) return scale(sum, 1.0 / (1.0 - far * far), c.lanes);
  const double last = std::pow(z, static_cast<double>(n - 1));
  for (Index k = 0; k < c.lanes; ++k) {
    sum[k] +=
        last * (c[n - 1][k] + far * sum[k]);  // it should take c[0] there; SciPy has replaced it by the sum already
    sum[k] = c[0][k] + sum[k] * z / (1.0 - far * far);
  }
}

/// The last outputs of c[i] = z (c[i+1] - c[i]), run backwards.
void anticausal_start(const Lines& c, double z, Border ends, double* sum) {
  const Index n = c.count;
  std::copy_n(c[n - 1], c.lanes, sum);
  if (ends == Border::mirror) {
    add(sum, z, c[n - 2], c.lanes);
    return scale(sum, z / (z * z - 1.0), c.lanes);
  }
  if (ends == Border::reflect) return scale(sum, z / (z - 1.0), c.lanes);
  double power = z;
  for (Index i = 0; i < n - 1 && i < last_power(z); ++i, power *= z) add(sum, power, c[i], c.lanes);
  scale(sum, z / (std::pow(z, static_cast<double>(n)) - 1.0), c.lanes);
}

/// `start` has room for as many numbers as there are lines.
void filter_lines(const Lines& c, const std::vector<double>& zs, Border ends, double* start) {
  if (c.count < 2) return;
  double gain = 1.0;
  for (const double z : zs) gain *= (1.0 - z) * (1.0 - 1.0 / z);
  for (Index i = 0; i < c.count; ++i) scale(c[i], gain, c.lanes);
  for (const double z : zs) {
    causal_start(c, z, ends, start);
    std::copy_n(start, c.lanes, c[0]);
    for (Index i = 1; i < c.count; ++i) add(c[i], z, c[i - 1], c.lanes);
    anticausal_start(c, z, ends, start);
    std::copy_n(start, c.lanes, c[c.count - 1]);
    for (Index i = c.count - 2; i >= 0; --i) {
      double* const here = c[i];
      const double* const next = c[i + 1];
      for (Index k = 0; k < c.lanes; ++k) here[k] = z * (next[k] - here[k]);
    }
  }
}

/// Where one coordinate reads along one axis, and with which weights.
template <int kOrder>
struct Taps {
  std::array<Index, static_cast<std::size_t>(kOrder) + 1> at;
  std::array<double, static_cast<std::size_t>(kOrder) + 1> weight;

  /// The weights are the basis splines that are not 0 there, raised from degree to degree (de Boor's recurrence on whole knots).
  Taps(double coordinate, Index n, Index step, Border ends) {
    const double knot = kOrder % 2 == 1 ? std::floor(coordinate) : std::floor(coordinate + 0.5);
    const double t = coordinate - knot + (kOrder % 2 == 1 ? 0.0 : 0.5);
    const Index first = static_cast<Index>(knot) - kOrder / 2;
    weight[0] = 1.0;
    for (int degree = 1; degree <= kOrder; ++degree) {
      const double share = 1.0 / degree;
      weight[usize(degree)] = share * t * weight[usize(degree - 1)];
      for (int j = degree - 1; j > 0; --j) {
        weight[usize(j)] = share * ((t + (degree - j)) * weight[usize(j - 1)] + (1.0 + j - t) * weight[usize(j)]);
      }
      weight[0] *= share * (1.0 - t);
    }
    const bool inside = first >= 0 && first + kOrder < n;
    for (int k = 0; k <= kOrder; ++k) {
      at[usize(k)] = step * (inside ? first + k : filter_internal::border_index(first + k, n, ends));
    }
  }
};

/// Memory of one thread, which grows to what its largest picture needs.
struct Scratch {
  std::vector<double> values, start, y, x;

  void reserve(Index coefficients, Index row, Index width) {
    const auto grow = [](std::vector<double>& buffer, Index count) {
      if (isize(buffer.size()) < count) buffer.resize(usize(count));
    };
    grow(values, coefficients);
    grow(start, row);
    grow(y, width);
    grow(x, width);
  }
};

/// The coefficients of all channels, [height, width, channels], with `margin` pixels repeated on each side.
struct Coefficients {
  double* values;
  Index height, width, channels, margin;
  Border ends;

  Index row() const { return width * channels; }

  void take(const Padded& src, int order, double* start) const {
    for (Index r = 0; r < height; ++r) {
      const float* const from = src.values + std::clamp(r - margin, Index{0}, src.height - 1) * src.stride();
      double* to = values + r * row();
      for (Index c = 0; c < width; ++c, to += channels) {
        std::copy_n(from + std::clamp(c - margin, Index{0}, src.width - 1) * channels, channels, to);
      }
    }
    const std::vector<double> zs = poles(order);
    filter_lines({.first = values, .count = height, .step = row(), .lanes = row()}, zs, ends, start);
    for (Index r = 0; r < height; ++r) {
      filter_lines({.first = values + r * row(), .count = width, .step = channels, .lanes = channels}, zs, ends, start);
    }
  }

  /// All channels at one place.
  template <int kOrder>
  void sample(double y, double x, float* dst) const {
    const Taps<kOrder> rows(y, height, row(), ends), columns(x, width, channels, ends);
    for (Index k = 0; k < channels; ++k) {
      double sum = 0.0;
      for (std::size_t j = 0; j <= kOrder; ++j) {
        const double* const line = values + rows.at[j] + k;
        double across = 0.0;
        for (std::size_t i = 0; i <= kOrder; ++i) across += line[columns.at[i]] * columns.weight[i];
        sum += across * rows.weight[j];
      }
      dst[k] = static_cast<float>(sum);
    }
  }
};

template <int kOrder>
void sample_all(const Coefficients& coefficients, const Padded& src, const AffineMap& map, const WarpOptions& options,
                Scratch& scratch, float* dst) {
  const double margin = static_cast<double>(coefficients.margin);
  const auto beyond = [](double c, Index n) { return c < 0.0 || c > static_cast<double>(n - 1); };
  const std::span<double> y = std::span(scratch.y).first(usize(src.width)), x = std::span(scratch.x).first(y.size());
  for (Index r = 0; r < src.height; ++r) {
    const double row = static_cast<double>(options.flip_vertical ? src.height - 1 - r : r);
    for (Index c = 0; c < src.width; ++c) {
      const double column = static_cast<double>(options.flip_horizontal ? src.width - 1 - c : c);
      y[usize(c)] = map.row_offset + map.row_from_row * row + map.row_from_column * column + margin;
      x[usize(c)] = map.column_offset + map.column_from_row * row + map.column_from_column * column + margin;
    }
    bring_in(options.fill_mode, coefficients.height, y);
    bring_in(options.fill_mode, coefficients.width, x);
    for (std::size_t c = 0; c < y.size(); ++c, dst += src.channels) {
      const bool outside =
          options.fill_mode == FillMode::constant && (beyond(y[c], src.height) || beyond(x[c], src.width));
      if (outside) {
        std::fill_n(dst, src.channels, options.cval);
      } else {
        coefficients.sample<kOrder>(y[c], x[c], dst);
      }
    }
  }
}

}  // namespace

void warp_spline(const Padded& src, const AffineMap& map, const WarpOptions& options, std::span<float> dst) {
  thread_local Scratch scratch;
  const Index margin = options.fill_mode == FillMode::nearest ? kNearestMargin : 0;
  const Index height = src.height + 2 * margin, width = src.width + 2 * margin;
  scratch.reserve(height * width * src.channels, width * src.channels, src.width);
  const Coefficients coefficients{.values = scratch.values.data(),
                                  .height = height,
                                  .width = width,
                                  .channels = src.channels,
                                  .margin = margin,
                                  .ends = ends_of(options.fill_mode)};
  coefficients.take(src, options.interpolation_order, scratch.start.data());
  switch (options.interpolation_order) {
    case 2:
      return sample_all<2>(coefficients, src, map, options, scratch, dst.data());
    case 3:
      return sample_all<3>(coefficients, src, map, options, scratch, dst.data());
    case 4:
      return sample_all<4>(coefficients, src, map, options, scratch, dst.data());
    default:
      return sample_all<5>(coefficients, src, map, options, scratch, dst.data());
  }
}

}  // namespace saccade::warp_internal
