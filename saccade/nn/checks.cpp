#include "saccade/nn/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"

namespace saccade::checks {

void image(const std::string& where, const Shape& src) {
  if (src.rank() == 3 && src.elements() > 0 && std::ranges::max(src.extents()) <= kMost) return;
  throw ShapeError({.where = where,
                    .expected = "an image [height, width, channels]",
                    .got = src.to_string(),
                    .fix = src.rank() == 1 ? "put it before Flatten, or use Reshape" : "check the layer before it"});
}

void positive(const std::string& where, std::string_view option, Index value) {
  if (value >= 1 && value <= kMost) return;
  throw ValueError({.where = fmt::format("{}: {}", where, option),
                    .expected = value < 1 ? "at least 1" : fmt::format("at most {}", kMost),
                    .got = fmt::format("{}", value),
                    .fix = value < 1 ? fmt::format("set .{} to 1 or more", option) : ""});
}

void positive(const std::string& where, std::string_view option, Size2 value) {
  const bool small = value.h < 1 || value.w < 1;
  if (!small && value.h <= kMost && value.w <= kMost) return;
  throw ValueError({.where = fmt::format("{}: {}", where, option),
                    .expected = small ? "at least 1x1" : fmt::format("at most {} in both directions", kMost),
                    .got = value.to_string(),
                    .fix = small ? fmt::format("set .{} to 1 or more in both directions", option) : ""});
}

void window_fits(const std::string& where, std::string_view axis, Index in, Index extent, kernels::Pads pads) {
  if (in + pads.before + pads.after >= extent) return;
  throw ShapeError({.where = where,
                    .expected = fmt::format("at least {} pixels of {} for its window", extent, axis),
                    .got = fmt::format("{}", in + pads.before + pads.after),
                    .fix = "use a smaller kernel, padding = same, or fewer strided layers before it"});
}

Index axis(const std::string& where, Index axis, const Shape& src) {
  const Index counted = axis < 0 ? axis + src.rank() : axis;
  const bool good = src.rank() > 0 && src.elements() > 0 && std::ranges::max(src.extents()) <= kMost;
  if (good && counted >= 0 && counted < src.rank()) return counted;
  throw ShapeError(
      {.where = where,
       .expected = good ? fmt::format("an axis from {} to {} of {}", -src.rank(), src.rank() - 1, src.to_string())
                        : fmt::format("at least one axis, and extents from 1 to {}", kMost),
       .got = good ? std::to_string(axis) : src.to_string(),
       .fix = good ? "the batch is not counted" : "check the layer before it"});
}

void in_range(const std::string& where, std::string_view option, float value, float low, float high) {
  if (std::isfinite(value) && value >= low && value < high) return;
  throw ValueError({.where = fmt::format("{}: {}", where, option),
                    .expected = fmt::format("a number from {} up to, but not, {}", low, high),
                    .got = fmt::format("{}", value),
                    .fix = ""});
}

}  // namespace saccade::checks
