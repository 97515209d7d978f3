#include "saccade/image/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/base/place_of.h"
#include "saccade/image/resize_internal.h"

namespace saccade {
namespace {

constexpr std::array<std::string_view, 6> kNames{"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"};

using resize_internal::kOneHalf;
using resize_internal::kWeightBits;
using resize_internal::Run;

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double filter_at(Interpolation interpolation, double x) {
  if (interpolation == Interpolation::box) return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
  if (interpolation == Interpolation::lanczos) return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
  x = std::abs(x);
  if (interpolation == Interpolation::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  if (interpolation == Interpolation::hamming) {
    if (x == 0.0) return 1.0;
    if (x >= 1.0) return 0.0;
    x *= std::numbers::pi;
    // Pillow's constants are floats; the product is not.
    return std::sin(x) / x * (static_cast<double>(0.54F) + static_cast<double>(0.46F) * std::cos(x));
  }
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double support_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::nearest:
    case Interpolation::box:
      return 0.5;
    case Interpolation::bilinear:
    case Interpolation::hamming:
      return 1.0;
    case Interpolation::bicubic:
      return 2.0;
    case Interpolation::lanczos:
      return 3.0;
  }
  return 0.0;
}

/// For every output position of one axis: the run of source positions it reads, and their weights.
struct Taps {
  std::vector<Run> runs;  // they point into `weights`
  std::vector<std::int32_t> weights;
};

Taps make_taps(Index in, Index out, Interpolation interpolation) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = support_of(interpolation) * stretch;
  const double per_stretch = 1.0 / stretch;
  const auto first_of = [&](double center) { return std::max<Index>(static_cast<Index>(center - support + 0.5), 0); };
  const auto end_of = [&](double center) { return std::min(static_cast<Index>(center + support + 0.5), in); };
  const auto center_of = [&](Index o) { return (static_cast<double>(o) + 0.5) * scale; };
  // Every run has as many taps as the longest, so that loops over them take no guesses; those that do not count weigh 0.
  Index count = 1;
  for (Index o = 0; o < out; ++o) count = std::max(count, end_of(center_of(o)) - first_of(center_of(o)));
  Taps taps;
  taps.runs.resize(usize(out));
  taps.weights.resize(usize(out * count));
  std::vector<double> exact;
  for (Index o = 0; o < out; ++o) {
    const double center = center_of(o);
    const Index first = first_of(center), last = end_of(center);
    exact.clear();
    double sum = 0.0;
    for (Index x = first; x < last; ++x) {
      exact.push_back(filter_at(interpolation, (static_cast<double>(x) - center + 0.5) * per_stretch));
      sum += exact.back();
    }
    const Index shifted = std::min(first, in - count);
    std::int32_t* const weights = taps.weights.data() + o * count;
    taps.runs[usize(o)] = {.first = shifted, .count = count, .weights = weights};
    for (std::size_t k = 0; k < exact.size(); ++k) {
      const double scaled = (sum != 0.0 ? exact[k] / sum : exact[k]) * (1 << kWeightBits);
      weights[usize(first - shifted) + k] = static_cast<std::int32_t>(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
    }
  }
  return taps;
}

std::uint8_t pixel_of_sum(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp<std::int32_t>(sum >> kWeightBits, 0, 255));
}

/// Rows a piece of work, so that a piece is worth handing to a thread. Depends on the picture alone.
Index rows_per_piece(Index row_bytes) { return std::max<Index>(1, 32768 / std::max<Index>(row_bytes, 1)); }

void resize_row_plainly(const std::uint8_t* src, std::uint8_t* dst, const Taps& taps, Index channels) {
  for (const Run& run : taps.runs) {
    for (Index c = 0; c < channels; ++c) {
      std::int32_t sum = kOneHalf;
      for (Index k = 0; k < run.count; ++k) sum += run.weights[k] * src[(run.first + k) * channels + c];
      *dst++ = pixel_of_sum(sum);
    }
  }
}

Tensor resize_width(const Tensor& image, Index width, Interpolation interpolation) {
  const ImageSize size = image_size(image, "resize");
  const Taps taps = make_taps(size.width, width, interpolation);
  Tensor result({size.height, width, size.channels}, DType::uint8);
  const Index src_row = size.width * size.channels;
  const Index dst_row = width * size.channels;
  const std::uint8_t* src = image.uint8s().data();
  std::uint8_t* dst = result.uint8s().data();
  parallel_ranges(size.height, rows_per_piece(std::max(src_row, dst_row)), [&](Index begin, Index end) {
    for (Index y = begin; y < end; ++y) {
      // Vectors read a byte beyond the row: of the next one, which the last row has not.
      if (size.channels == 1 || y + 1 == size.height) {
        resize_row_plainly(src + y * src_row, dst + y * dst_row, taps, size.channels);
      } else {
        resize_internal::resize_row(src + y * src_row, dst + y * dst_row, taps.runs.data(), width, size.channels);
      }
    }
  });
  return result;
}

Tensor resize_height(const Tensor& image, Index height, Interpolation interpolation) {
  const ImageSize size = image_size(image, "resize");
  const Taps taps = make_taps(size.height, height, interpolation);
  Tensor result({height, size.width, size.channels}, DType::uint8);
  const Index row = size.width * size.channels;
  const std::uint8_t* src = image.uint8s().data();
  std::uint8_t* dst = result.uint8s().data();
  parallel_ranges(height, rows_per_piece(row), [&](Index begin, Index end) {
    for (Index y = begin; y < end; ++y) {
      const Run& run = taps.runs[usize(y)];
      resize_internal::resize_column(src + run.first * row, row, run, dst + y * row, row);
    }
  });
  return result;
}

/// Source index of every position along one axis. The sum is accumulated, not recomputed: its rounding decides ties.
std::vector<Index> nearest_indices(Index in, Index out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  std::vector<Index> indices;
  indices.reserve(usize(out));
  double position = scale * 0.5;
  for (Index o = 0; o < out; ++o, position += scale) {
    indices.push_back(std::min(static_cast<Index>(position), in - 1));
  }
  return indices;
}

Tensor resize_nearest(const Tensor& image, Index height, Index width) {
  const ImageSize size = image_size(image, "resize");
  const std::vector<Index> rows = nearest_indices(size.height, height);
  const std::vector<Index> columns = nearest_indices(size.width, width);
  Tensor result({height, width, size.channels}, DType::uint8);
  const std::uint8_t* src = image.uint8s().data();
  std::uint8_t* dst = result.uint8s().data();
  const auto pick = [&](auto channels) {
    for (const Index row : rows) {
      const std::uint8_t* const line = src + row * size.width * channels;
      for (const Index column : columns) {
        for (Index c = 0; c < channels; ++c) *dst++ = line[column * channels + c];
      }
    }
  };
  if (size.channels == 3) {
    pick(std::integral_constant<Index, 3>());
  } else {
    pick(size.channels);
  }
  return result;
}

/// a * b / 255, rounded, for a and b in 0..255.
std::uint8_t multiply_255(unsigned a, unsigned b) {
  const unsigned product = a * b + 128U;
  return static_cast<std::uint8_t>(((product >> 8U) + product) >> 8U);
}

void premultiply(Tensor& rgba) {
  const std::span<std::uint8_t> values = rgba.uint8s();
  for (std::size_t i = 0; i < values.size(); i += 4) {
    for (std::size_t c = 0; c < 3; ++c) values[i + c] = multiply_255(values[i + c], values[i + 3]);
  }
}

void undo_premultiply(Tensor& rgba) {
  const std::span<std::uint8_t> values = rgba.uint8s();
  for (std::size_t i = 0; i < values.size(); i += 4) {
    const unsigned alpha = values[i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (std::size_t c = 0; c < 3; ++c) {
      values[i + c] = static_cast<std::uint8_t>(std::min(255U * values[i + c] / alpha, 255U));
    }
  }
}

Tensor resize_filtered(Tensor image, const ResizeOptions& options) {
  const ImageSize size = image_size(image, "resize");
  if (size.channels == 4) premultiply(image);
  if (options.width != size.width) image = resize_width(image, options.width, options.interpolation);
  if (options.height != size.height) image = resize_height(image, options.height, options.interpolation);
  if (size.channels == 4) undo_premultiply(image);
  return image;
}

}  // namespace

std::string_view name_of(Interpolation interpolation) noexcept {
  return kNames[static_cast<std::size_t>(interpolation)];
}

Interpolation interpolation_named(std::string_view name) {
  return static_cast<Interpolation>(place_of(name, kNames, "interpolation"));
}

Tensor resize(const Tensor& image, const ResizeOptions& options) {
  const ImageSize size = image_size(image, "resize");
  if (options.height < 1 || options.width < 1) {
    throw ValueError({.where = "resize",
                      .expected = "a height and a width of at least 1",
                      .got = fmt::format("{} x {}", options.height, options.width),
                      .fix = "set .height and .width"});
  }
  if (options.height == size.height && options.width == size.width) return image;
  if (options.interpolation == Interpolation::nearest) return resize_nearest(image, options.height, options.width);
  return resize_filtered(image, options);
}

Crop centered_crop(Index height, Index width, Index target_height, Index target_width) {
  if (std::min({height, width, target_height, target_width}) < 1) {
    throw ValueError({.where = "centered_crop",
                      .expected = "sides of at least 1",
                      .got = fmt::format("{} x {} for {} x {}", height, width, target_height, target_width),
                      .fix = "pass the image's and the target's height and width"});
  }
  const auto part = [](Index side, Index other, Index wanted, Index other_wanted) {
    return std::max<Index>(1, std::min(side, other * wanted / other_wanted));
  };
  const Index h = part(height, width, target_height, target_width),
              w = part(width, height, target_width, target_height);
  return {.top = (height - h) / 2, .left = (width - w) / 2, .height = h, .width = w};
}

Tensor crop(const Tensor& image, const Crop& part) {
  const ImageSize size = image_size(image, "crop");
  const auto inside = [](Index first, Index length, Index side) {
    return first >= 0 && length >= 1 && first < side && length <= side - first;
  };
  if (!inside(part.top, part.height, size.height) || !inside(part.left, part.width, size.width)) {
    throw ValueError({.where = "crop",
                      .expected = fmt::format("a part of {} x {}", size.height, size.width),
                      .got = fmt::format("{} x {} at {}, {}", part.height, part.width, part.top, part.left),
                      .fix = "keep to the image"});
  }
  if (part.height == size.height && part.width == size.width) return image;
  Tensor result({part.height, part.width, size.channels}, DType::uint8);
  const std::uint8_t* const first = image.uint8s().data() + (part.top * size.width + part.left) * size.channels;
  for (Index y = 0; y < part.height; ++y) {
    std::copy_n(first + y * size.width * size.channels, part.width * size.channels,
                result.uint8s().data() + y * part.width * size.channels);
  }
  return result;
}

}  // namespace saccade
