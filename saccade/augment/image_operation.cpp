#include "saccade/augment/image_operation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "saccade/augment/pixels_internal.h"
#include "saccade/base/place_of.h"

namespace saccade {
namespace {

using Kind = ImageOperation::Kind;

constexpr std::array<std::string_view, ImageOperation::kKinds> kNames{
    "identity", "shear_x",  "shear_y",   "translate_x", "translate_y", "rotate",        "brightness",
    "color",    "contrast", "sharpness", "posterize",   "solarize",    "auto_contrast", "equalize"};
constexpr double kMostMagnitude = 30.0;

/// Calls change(channel's first value, step) for each channel that holds colour, on whole numbers.
template <class Change>
void for_channels(const Shape& hwc, std::span<float> image, Change&& change) {
  const Index channels = hwc[2];
  for (Index k = 0; k < pixels::color_channels(channels); ++k) {
    for (std::size_t i = usize(k); i < image.size(); i += usize(channels)) image[i] = pixels::whole(image[i]);
    change(usize(k), usize(channels));
  }
}

/// Replaces each level of a channel by table[level].
void look_up(std::span<float> image, std::size_t first, std::size_t step, const std::array<float, 256>& table) {
  for (std::size_t i = first; i < image.size(); i += step) image[i] = table[static_cast<std::size_t>(image[i])];
}

std::array<Index, 256> histogram(std::span<const float> image, std::size_t first, std::size_t step) {
  std::array<Index, 256> counts{};
  for (std::size_t i = first; i < image.size(); i += step) ++counts[static_cast<std::size_t>(image[i])];
  return counts;
}

void auto_contrast(const Shape& hwc, std::span<float> image) {
  for_channels(hwc, image, [&](std::size_t first, std::size_t step) {
    const std::array<Index, 256> counts = histogram(image, first, step);
    const auto used = [](Index count) { return count > 0; };
    const Index low = std::ranges::find_if(counts, used) - counts.begin();
    const Index high = 255 - (std::find_if(counts.rbegin(), counts.rend(), used) - counts.rbegin());
    if (high <= low) return;
    const double scale = 255.0 / static_cast<double>(high - low), offset = -static_cast<double>(low) * scale;
    std::array<float, 256> table{};
    for (std::size_t level = 0; level < 256; ++level) {
      table[level] = pixels::whole(static_cast<float>(static_cast<double>(level) * scale + offset));
    }
    look_up(image, first, step, table);
  });
}

void equalize(const Shape& hwc, std::span<float> image) {
  for_channels(hwc, image, [&](std::size_t first, std::size_t step) {
    const std::array<Index, 256> counts = histogram(image, first, step);
    Index last = 0, total = 0, levels = 0;
    for (const Index count : counts) {
      if (count == 0) continue;
      last = count;
      total += count;
      ++levels;
    }
    const Index width = (total - last) / 255;
    if (levels <= 1 || width == 0) return;
    std::array<float, 256> table{};
    Index sum = width / 2;
    for (std::size_t level = 0; level < 256; ++level) {
      table[level] = static_cast<float>(std::min<Index>(sum / width, 255));
      sum += counts[level];
    }
    look_up(image, first, step, table);
  });
}

void posterize(const Shape& hwc, std::span<float> image, int bits) {
  for_channels(hwc, image, [&](std::size_t first, std::size_t step) {
    std::array<float, 256> table{};
    for (int level = 0; level < 256; ++level)
      table[static_cast<std::size_t>(level)] = static_cast<float>(level >> (8 - bits) << (8 - bits));
    look_up(image, first, step, table);
  });
}

void solarize(const Shape& hwc, std::span<float> image, double threshold) {
  for_channels(hwc, image, [&](std::size_t first, std::size_t step) {
    for (std::size_t i = first; i < image.size(); i += step) {
      if (static_cast<double>(image[i]) >= threshold) image[i] = 255.0F - image[i];
    }
  });
}

void sharpen(const Shape& hwc, std::span<float> image, double factor) {
  const Index height = hwc[0], width = hwc[1], channels = hwc[2], row = width * channels;
  if (height < 3 || width < 3) return;
  for_channels(hwc, image, [](std::size_t, std::size_t) {});
  thread_local std::vector<float> original;
  original.assign(image.begin(), image.end());
  const float by = static_cast<float>(factor);
  for (Index r = 1; r + 1 < height; ++r) {
    for (Index c = 1; c + 1 < width; ++c) {
      for (Index k = 0; k < pixels::color_channels(channels); ++k) {
        const Index at = r * row + c * channels + k;
        float sum = 4.0F * original[usize(at)];
        for (const Index down : {-row, Index{0}, row}) {
          for (const Index right : {-channels, Index{0}, channels}) sum += original[usize(at + down + right)];
        }
        const float smooth = pixels::whole(sum / 13.0F + 0.5F);
        image[usize(at)] = pixels::whole(smooth + by * (original[usize(at)] - smooth));
      }
    }
  }
}

void brighten(const Shape& hwc, std::span<float> image, double factor) {
  const float by = static_cast<float>(factor);
  for (std::size_t i = 0; i < image.size(); ++i) {
    if (hwc[2] != 4 || i % 4 != 3) image[i] = std::clamp(by * image[i], 0.0F, 255.0F);
  }
}

/// About the middle of the picture.
AffineMap rotation(const Shape& hwc, double degrees) {
  const double angle = degrees * (std::numbers::pi / 180.0), c = std::cos(angle), s = std::sin(angle);
  const double y = 0.5 * static_cast<double>(hwc[0] - 1), x = 0.5 * static_cast<double>(hwc[1] - 1);
  return {c, s, y - c * y - s * x, -s, c, x + s * y - c * x};
}

}  // namespace

std::string_view name_of(Kind kind) noexcept { return kNames[static_cast<std::size_t>(kind)]; }

Kind image_operation_named(std::string_view name) { return static_cast<Kind>(place_of(name, kNames, "operation")); }

ImageOperation draw_operation(const Shape& hwc, double magnitude, Stream& stream) {
  const Kind kind = static_cast<Kind>(static_cast<int>(stream.uniform_double() * ImageOperation::kKinds));
  const double sign = stream.uniform_double() < 0.5 ? -1.0 : 1.0, share = magnitude / kMostMagnitude;
  const auto extent = [&](int axis) { return static_cast<double>(hwc[axis]); };
  switch (kind) {
    case Kind::shear_x:
    case Kind::shear_y:
      return {kind, sign * share * 0.3};
    case Kind::translate_x:
      return {kind, std::trunc(sign * share * 150.0 / 331.0 * extent(1))};
    case Kind::translate_y:
      return {kind, std::trunc(sign * share * 150.0 / 331.0 * extent(0))};
    case Kind::rotate:
      return {kind, sign * share * 30.0};
    case Kind::brightness:
    case Kind::color:
    case Kind::contrast:
    case Kind::sharpness:
      return {kind, 1.0 + sign * share * 0.9};
    case Kind::posterize:
      return {kind, 8.0 - std::round(share * 4.0)};
    case Kind::solarize:
      return {kind, 255.0 * (1.0 - share)};
    default:
      return {kind, 0.0};
  }
}

void apply_operation(const ImageOperation& operation, const Shape& hwc, std::span<float> image,
                     const WarpOptions& options) {
  pixels::require_picture(hwc, image.size(), "apply_operation");
  const double value = operation.value;
  const double middle_row = 0.5 * static_cast<double>(hwc[0] - 1),
               middle_column = 0.5 * static_cast<double>(hwc[1] - 1);
  switch (operation.kind) {
    case Kind::identity:
      return;
    case Kind::shear_x:
      return warp(hwc, image, {.column_from_row = -value, .column_offset = value * middle_row}, options);
    case Kind::shear_y:
      return warp(hwc, image, {.row_from_column = -value, .row_offset = value * middle_column}, options);
    case Kind::translate_x:
      return warp(hwc, image, {.column_offset = -value}, options);
    case Kind::translate_y:
      return warp(hwc, image, {.row_offset = -value}, options);
    case Kind::rotate:
      return warp(hwc, image, rotation(hwc, value), options);
    case Kind::brightness:
      return brighten(hwc, image, value);
    case Kind::color:
      return pixels::adjust_saturation(hwc, image, value);
    case Kind::contrast:
      return pixels::adjust_contrast(hwc, image, value);
    case Kind::sharpness:
      return sharpen(hwc, image, value);
    case Kind::posterize:
      return posterize(hwc, image, static_cast<int>(std::clamp(value, 0.0, 8.0)));
    case Kind::solarize:
      return solarize(hwc, image, value);
    case Kind::auto_contrast:
      return auto_contrast(hwc, image);
    case Kind::equalize:
      return equalize(hwc, image);
  }
}

}  // namespace saccade
