// Makes the pictures of docs/image_kernels.md and docs/augmentation.md: documentation_pictures [FOLDER]
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "saccade/saccade.h"

namespace fs = std::filesystem;
using namespace saccade;

namespace {

struct Color {
  double red, green, blue;
};

Color mix(const Color& a, const Color& b, double t) {
  return {a.red + t * (b.red - a.red), a.green + t * (b.green - a.green), a.blue + t * (b.blue - a.blue)};
}

/// A street scene: a signpost with an arrow to the right, a house, hills, the sun. x and y from 0 to 1, y downwards.
Color scene(double x, double y) {
  Color color = mix({70, 130, 205}, {205, 228, 250}, y / 0.62);
  if (std::hypot(x - 0.16, (y - 0.15) * 0.8) < 0.07) color = {255, 225, 110};
  if (y > 0.58 - 0.10 * std::sin(5.0 * x + 0.6)) color = {96, 128, 108};
  if (y > 0.64 + 0.03 * std::sin(9.0 * x)) {
    const double blades = std::sin(310.0 * x + 40.0 * std::sin(60.0 * y)) * std::sin(170.0 * y);
    color = mix({74, 134, 60}, {112, 172, 78}, 0.5 + 0.5 * blades);
  }
  const double road = 0.10 + 0.45 * (y - 0.64);
  if (y > 0.64 && std::abs(x - 0.30 + 0.25 * (y - 0.64)) < road * 0.5) color = {112, 110, 116};
  if (y > 0.64 && std::abs(x - 0.30 + 0.25 * (y - 0.64)) < road * 0.03 && std::fmod(y * 14.0, 1.0) < 0.55)
    color = {235, 235, 225};
  if (x > 0.62 && x < 0.95 && y > 0.44 && y < 0.74) {
    color = std::fmod(y * 40.0, 1.0) < 0.12 ? Color{150, 70, 55} : Color{188, 92, 70};
    const bool window = std::fmod((x - 0.62) * 9.0, 1.0) > 0.35 && std::fmod((y - 0.44) * 8.0, 1.0) > 0.35;
    if (window) color = {235, 220, 150};
  }
  if (y > 0.30 && y < 0.44 && std::abs(x - 0.785) < 0.19 * (y - 0.30) / 0.14) color = {96, 52, 48};
  if (std::abs(x - 0.42) < 0.012 && y > 0.44 && y < 0.90) color = {88, 88, 92};
  if (x > 0.27 && x < 0.57 && y > 0.20 && y < 0.44) {
    color = x > 0.285 && x < 0.555 && y > 0.218 && y < 0.422 ? Color{24, 74, 168} : Color{245, 245, 245};
    const bool shaft = x > 0.315 && x < 0.44 && std::abs(y - 0.32) < 0.024;
    const bool head = x >= 0.43 && x < 0.53 && std::abs(y - 0.32) < 0.075 * (0.53 - x) / 0.10;
    if (shaft || head) color = {255, 255, 255};
  }
  return color;
}

/// Every pixel the mean of sixteen places.
Tensor draw_scene(Index height, Index width) {
  Tensor image({height, width, 3}, DType::uint8);
  std::uint8_t* pixel = image.uint8s().data();
  for (Index r = 0; r < height; ++r) {
    for (Index c = 0; c < width; ++c, pixel += 3) {
      Color sum{0, 0, 0};
      for (int k = 0; k < 16; ++k) {
        const double y = (static_cast<double>(r) + (k / 4 + 0.5) / 4.0) / static_cast<double>(height);
        const double x = (static_cast<double>(c) + (k % 4 + 0.5) / 4.0) / static_cast<double>(width);
        const Color one = scene(x, y);
        sum = {sum.red + one.red, sum.green + one.green, sum.blue + one.blue};
      }
      for (int k = 0; k < 3; ++k) {
        const double value = (k == 0 ? sum.red : k == 1 ? sum.green : sum.blue) / 16.0;
        pixel[k] = static_cast<std::uint8_t>(std::lround(value));
      }
    }
  }
  return image;
}

void draw_kernels(const Tensor& photo, const fs::path& folder) {
  std::vector<SheetCell> kernels;
  for (const NamedFilter& named : named_filters()) {
    kernels.push_back({.image = filter(photo, named.kernel, {.scale = 1.0 / static_cast<double>(named.divisor)}),
                       .captions = {std::string(named.name), ""}});
  }
  write_image(folder / "kernels.jpg", contact_sheet(kernels, {.columns = 4}));

  const FilterKernel& sobel = filter_named("sobel-x").kernel;
  const std::vector<SheetCell> options{
      {.image = filter(photo, sobel), .captions = {"sobel-x", ""}},
      {.image = filter(photo, sobel, {.scale = 0.25, .offset = 128}), .captions = {"scale, offset", ""}},
      {.image = filter(photo, sobel, {.row_stride = 2, .column_stride = 2}), .captions = {"stride 2", ""}}};
  write_image(folder / "options.jpg", contact_sheet(options, {.columns = 3}));

  FilterKernel far{.height = 81, .width = 81, .weights = std::vector<float>(81 * 81)};
  far.weights[0] = 1.0F;
  std::vector<SheetCell> borders;
  for (const Border border : kBorders) {
    borders.push_back(
        {.image = filter(photo, far, {.border = border}), .captions = {std::string(name_of(border)), ""}});
  }
  write_image(folder / "borders.jpg", contact_sheet(borders, {.columns = 5}));
}

/// The picture as it is, then five that the generator makes of it.
void draw_argument(const Tensor& photo, const fs::path& file, const ImageDataGeneratorOptions& options) {
  const ImageDataGenerator generator(options);
  std::vector<SheetCell> cells{{.image = photo}};
  for (std::uint64_t sample = 0; sample < 5; ++sample) {
    std::vector<float> values(photo.uint8s().begin(), photo.uint8s().end());
    Stream stream(1, 0, sample, slot_of("augment"));
    generator.random_transform(photo.shape(), values, stream);
    cells.push_back({.image = round_to_image(photo.shape(), values)});
  }
  write_image(file, contact_sheet(cells, {.columns = 6, .max_side = 140, .gap = 6}));
}

/// Under each fill mode, and as each version of Keras, the same map.
void draw_modes(const Tensor& photo, const fs::path& folder) {
  const auto apply = [&](const ImageTransform& transform, const ApplyOptions& options) {
    std::vector<float> values(photo.uint8s().begin(), photo.uint8s().end());
    apply_transform(transform, photo.shape(), values, options);
    return round_to_image(photo.shape(), values);
  };
  std::vector<SheetCell> fills, versions;
  for (const FillMode mode : kFillModes) {
    fills.push_back({.image = apply({.theta = 20, .ty = 40, .zx = 1.4, .zy = 1.4}, {.fill_mode = mode, .cval = 200}),
                     .captions = {std::string(name_of(mode)), ""}});
  }
  write_image(folder / "augment_fill_mode.jpg", contact_sheet(fills, {.columns = 5, .max_side = 160, .gap = 6}));
  for (const Compat compat : kCompats) {
    versions.push_back({.image = apply({.theta = 20, .tx = 30}, {.cval = 200, .compat = compat}),
                        .captions = {std::string(name_of(compat)), ""}});
  }
  write_image(folder / "augment_compat.jpg", contact_sheet(versions, {.columns = 4, .max_side = 160, .gap = 6}));
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path folder = argc > 1 ? argv[1] : ".";
  const Tensor photo = draw_scene(180, 216);
  write_image(folder / "photo.jpg", photo);
  draw_kernels(photo, folder);
  draw_modes(photo, folder);
  const std::vector<std::pair<std::string, ImageDataGeneratorOptions>> arguments{
      {"rotation_range", {.rotation_range = 30}},
      {"width_shift_range", {.width_shift_range = 0.3}},
      {"height_shift_range", {.height_shift_range = 0.3}},
      {"shear_range", {.shear_range = 30}},
      {"zoom_range", {.zoom_range = {0.5, 1.3}}},
      {"zoom_keep_aspect", {.zoom_range = {0.5, 1.3}, .zoom_keep_aspect = true}},
      {"brightness_range", {.brightness_range = Range{0.4, 1.6}}},
      {"contrast_range", {.contrast_range = Range{0.3, 1.7}}},
      {"saturation_range", {.saturation_range = Range{0.0, 2.0}}},
      {"hue_range", {.hue_range = 0.5}},
      {"channel_shift_range", {.channel_shift_range = 100}},
      {"horizontal_flip", {.horizontal_flip = true}},
      {"vertical_flip", {.vertical_flip = true}},
      {"random_crop", {.fill_mode = FillMode::constant, .random_crop = 40}},
      {"random_erasing", {.random_erasing = 1.0}},
      {"rand_augment", {.rand_augment = 2, .rand_augment_magnitude = 15}}};
  for (const auto& [name, options] : arguments)
    draw_argument(photo, folder / fmt::format("augment_{}.jpg", name), options);
}
