#include "saccade/image/shift.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "saccade/base/error.h"

namespace saccade {

void translate(std::span<const float> src, const Shape& hwc, Index down, Index right, std::span<float> dst,
               float fill) {
  if (hwc.rank() != 3 || isize(src.size()) != hwc.elements() || isize(dst.size()) != hwc.elements()) {
    throw ShapeError({.where = "translate",
                      .expected = fmt::format("[height, width, channels] = {} in both spans", hwc.to_string()),
                      .got = fmt::format("{} source and {} target values", src.size(), dst.size()),
                      .fix = "pass one whole picture and a target of the same size"});
  }
  if (src.empty()) return;
  const std::less<> before;
  if (before(src.data(), dst.data() + dst.size()) && before(dst.data(), src.data() + src.size())) {
    throw ValueError({.where = "translate",
                      .expected = "a target apart from the source",
                      .got = "overlapping memory",
                      .fix = "write to another tensor"});
  }
  const Index height = hwc[0];
  const Index width = hwc[1];
  const Index channels = hwc[2];
  // A shift of the whole size already clears the picture; bounding it here keeps the sums below from overflowing.
  down = std::clamp(down, -height, height);
  right = std::clamp(right, -width, width);
  const Index row_length = width * channels;
  const Index left_gap = std::max<Index>(right, 0) * channels;
  const Index kept = row_length - std::max(right, -right) * channels;
  for (Index y = 0; y < height; ++y) {
    float* row = dst.data() + y * row_length;
    const Index from = y - down;
    if (from < 0 || from >= height) {
      std::fill_n(row, row_length, fill);
      continue;
    }
    const float* source = src.data() + from * row_length + std::max<Index>(-right, 0) * channels;
    std::fill_n(row, left_gap, fill);
    std::copy_n(source, kept, row + left_gap);
    std::fill(row + left_gap + kept, row + row_length, fill);
  }
}

}  // namespace saccade
