#include "saccade/image/warp.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/place_of.h"
#include "saccade/image/warp_internal.h"

namespace saccade {
namespace {

using warp_internal::kPlanRoom;
using warp_internal::kTail;
using warp_internal::Padded;
using warp_internal::PixelPlan;

constexpr std::array<std::string_view, 5> kNames{"constant", "nearest", "reflect", "wrap", "grid-wrap"};
constexpr double kFarthest = 1e9;  // pixels; coordinates beyond mean a slip, and lose the fraction that order 1 needs

void require_picture(const Shape& hwc, std::size_t values, std::string_view where) {
  if (hwc.rank() != 3 || hwc.elements() < 1) {
    throw ShapeError({.where = std::string(where),
                      .expected = "a picture [height, width, channels] with a pixel at least",
                      .got = hwc.to_string(),
                      .fix = "take one image of the batch"});
  }
  if (values != usize(hwc.elements())) {
    throw ShapeError({.where = std::string(where),
                      .expected = fmt::format("{} values for {}", hwc.elements(), hwc.to_string()),
                      .got = fmt::format("{}", values),
                      .fix = "pass the whole picture"});
  }
}

void require_map(const AffineMap& map) {
  for (const double number : {map.row_from_row, map.row_from_column, map.row_offset, map.column_from_row,
                              map.column_from_column, map.column_offset}) {
    if (std::abs(number) <= kFarthest) continue;  // nor NaN
    throw ValueError({.where = "warp",
                      .expected = fmt::format("a map of numbers between -{0:g} and {0:g}", kFarthest),
                      .got = fmt::format("{}", number),
                      .fix = "use a smaller shift or a zoom nearer to 1"});
  }
}

/// One row in place; `channels` may be a constant, which is faster.
template <class Channels>
void mirror(float* row, Index width, Channels channels) {
  float* other = row + (width - 1) * channels;
  for (; row < other; row += channels, other -= channels) {
    for (Index k = 0; k < channels; ++k) std::swap(row[k], other[k]);
  }
}

/// Memory of one thread, which grows to what its largest picture needs.
struct Scratch {
  std::vector<float> padded, last_row;
  std::array<std::vector<double>, 4> weight;
  std::vector<std::int32_t> offset;

  PixelPlan plan(Index width) {
    const std::size_t pixels = usize(width + kPlanRoom);
    if (offset.size() < pixels) {
      for (std::vector<double>& one : weight) one.resize(pixels);
      offset.resize(pixels);
    }
    return {{weight[0].data(), weight[1].data(), weight[2].data(), weight[3].data()}, offset.data()};
  }

  float* row(Index values) {
    if (last_row.size() < usize(values + kTail)) last_row.resize(usize(values + kTail));
    return last_row.data();
  }

  Padded copy(const Shape& hwc, const float* image, bool goes_round) {
    const Padded result{.height = hwc[0], .width = hwc[1], .channels = hwc[2]};
    const Index stride = result.stride(), row = result.width * result.channels;
    const Index values = (result.height + 1) * stride + kTail;
    if (padded.size() < usize(values)) padded.resize(usize(values));
    for (Index r = 0; r <= result.height; ++r) {
      const Index source = r < result.height ? r : (goes_round ? 0 : r - 1);
      float* const to = std::copy_n(image + source * row, row, padded.data() + r * stride);
      std::copy_n(image + source * row + (goes_round ? 0 : row - result.channels), result.channels, to);
    }
    return {.values = padded.data(), .height = result.height, .width = result.width, .channels = result.channels};
  }
};

}  // namespace

std::string_view name_of(FillMode mode) noexcept { return kNames[static_cast<std::size_t>(mode)]; }

FillMode fill_mode_named(std::string_view name) {
  return static_cast<FillMode>(place_of(name, kNames, "fill_mode", "'nearest' repeats the border"));
}

void warp(const Shape& hwc, std::span<float> image, const AffineMap& map, const WarpOptions& options) {
  require_picture(hwc, image.size(), "warp");
  require_map(map);
  if (hwc.elements() > kMaxWarpElements) {
    throw ValueError({.where = "warp",
                      .expected = fmt::format("at most {} values", kMaxWarpElements),
                      .got = hwc.to_string(),
                      .fix = "make the picture smaller first"});
  }
  if (options.interpolation_order < 0 || options.interpolation_order > 5) {
    throw ValueError({.where = "warp: interpolation_order",
                      .expected = "0 to 5",
                      .got = fmt::format("{}", options.interpolation_order),
                      .fix = "1 is bilinear, 0 keeps the values of masks and labels"});
  }
  thread_local Scratch scratch;
  const bool goes_round = options.fill_mode == FillMode::grid_wrap;
  const Padded source = scratch.copy(hwc, image.data(), goes_round);
  if (options.interpolation_order >= 2) return warp_internal::warp_spline(source, map, options, image);
  const Index row = hwc[1] * hwc[2];
  float* const last_row = scratch.row(row);
  warp_internal::warp_linear(source, map, options, scratch.plan(hwc[1]), image.data(), last_row);
  std::copy_n(last_row, row, image.data() + (hwc[0] - 1) * row);
}

void flip(const Shape& hwc, std::span<float> image, bool horizontal, bool vertical) {
  require_picture(hwc, image.size(), "flip");
  const Index height = hwc[0], width = hwc[1], channels = hwc[2], row = width * channels;
  if (vertical) {
    for (Index r = 0; r < height / 2; ++r) {
      std::swap_ranges(image.data() + r * row, image.data() + (r + 1) * row, image.data() + (height - 1 - r) * row);
    }
  }
  if (!horizontal) return;
  for (Index r = 0; r < height; ++r) {
    float* const first = image.data() + r * row;
    if (channels == 3) {
      mirror(first, width, std::integral_constant<Index, 3>());
    } else {
      mirror(first, width, channels);
    }
  }
}

}  // namespace saccade
