#include "saccade/data/image_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/annotations_internal.h"

namespace saccade::data {
namespace {

void require_size(const TargetSize& size) {
  if (size.height >= 1 && size.width >= 1) return;
  throw ValueError({.where = "target_size",
                    .expected = "a height and a width of at least 1",
                    .got = fmt::format("{} x {}", size.height, size.width),
                    .fix = "networks for photographs take 128 x 128 or 224 x 224"});
}

}  // namespace

bool has_image_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  if (extension.empty()) return false;
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::ranges::find(kImageExtensions, std::string_view(extension).substr(1)) != kImageExtensions.end();
}

ImageReading reading_for(const Shape& shape, ImageReading reading) {
  for (const ColorMode mode : {ColorMode::grayscale, ColorMode::rgb, ColorMode::rgba}) {
    if (shape.rank() != 3 || channels_of(mode) != shape[2]) continue;
    reading.color_mode = mode;
    reading.target_size = {.height = shape[0], .width = shape[1]};
    return reading;
  }
  throw ShapeError({.where = "network",
                    .expected = "an input of grey, RGB or RGBA images",
                    .got = shape.to_string(),
                    .fix = "images of files have 1, 3 or 4 channels"});
}

Tensor fit_image(Tensor image, const ImageReading& reading) {
  require_size(reading.target_size);
  const TargetSize& target = reading.target_size;
  image = convert_color(std::move(image), reading.color_mode);
  if (reading.keep_aspect_ratio) {
    const ImageSize size = image_size(image, "fit_image");
    image = crop(image, centered_crop(size.height, size.width, target.height, target.width));
  }
  return resize(image, {.height = target.height, .width = target.width, .interpolation = reading.interpolation});
}

Tensor read_image(std::span<const std::byte> bytes, std::string_view name, const ImageReading& reading) {
  require_size(reading.target_size);
  if (!(reading.decoding_share > 0.0 && reading.decoding_share <= 1.0)) {
    throw ValueError({.where = "decoding_share",
                      .expected = "a share above 0 and at most 1",
                      .got = fmt::format("{}", reading.decoding_share),
                      .fix = "1 decodes no picture smaller than it is wanted"});
  }
  const bool scaled = reading.scaled_decoding && reading.interpolation != Interpolation::nearest;
  const auto least = [&](Index side) {
    return scaled ? static_cast<Index>(std::ceil(reading.decoding_share * static_cast<double>(side))) : 0;
  };
  return fit_image(decode(bytes, name,
                          {.limits = reading.limits,
                           .min_height = least(reading.target_size.height),
                           .min_width = least(reading.target_size.width)}),
                   reading);
}

Tensor read_image(const std::filesystem::path& path, const ImageReading& reading) {
  require_size(reading.target_size);
  return read_image(read_file(path, reading.limits.max_file_bytes), path.string(), reading);
}

ImageFiles::ImageFiles(std::string name, std::filesystem::path folder, std::vector<File> files,
                       std::vector<std::string> class_names, const ImageReading& reading, Annotations annotations)
    : name_(std::move(name)),
      folder_(std::move(folder)),
      files_(std::move(files)),
      class_names_(std::move(class_names)),
      reading_(reading),
      annotations_(std::move(annotations)) {
  require_size(reading_.target_size);
  const Index classes = isize(class_names_.size());
  if (classes == 0) {
    throw ValueError({.where = name_, .expected = "at least one class name", .got = "none", .fix = "name the classes"});
  }
  if (!annotations_.weights.empty()) require_weights(annotations_.weights, size(), name_);
  if (!annotations_.targets.empty()) require_targets(annotations_.targets, size() * classes, name_);
  for (const File& file : files_) {
    if (file.label >= 0 && file.label < classes) continue;
    throw ValueError({.where = fmt::format("{}: {}", name_, file.name),
                      .expected = fmt::format("a label from 0 to {}", classes - 1),
                      .got = fmt::format("{}", file.label),
                      .fix = "correct the label, or name more classes"});
  }
}

float ImageFiles::weight(Index i) const {
  require_image(i);
  return annotations_.weights.empty() ? 1.0F : annotations_.weights[usize(i)];
}

void ImageFiles::target(Index i, std::span<float> out) const {
  if (annotations_.targets.empty()) return Dataset::target(i, out);
  require_image(i);
  Dataset::require_target(out.size());
  std::ranges::copy(std::span(annotations_.targets).subspan(usize(i) * out.size(), out.size()), out.begin());
}

Shape ImageFiles::image_shape() const {
  return {reading_.target_size.height, reading_.target_size.width, channels_of(reading_.color_mode)};
}

Index ImageFiles::label(Index i) const {
  require_image(i);
  return files_[usize(i)].label;
}

std::string ImageFiles::sample_name(Index i) const {
  require_image(i);
  return files_[usize(i)].name;
}

std::filesystem::path ImageFiles::path(Index i) const {
  require_image(i);
  return folder_ / files_[usize(i)].name;
}

Sample ImageFiles::get(Index i) const {
  require_image(i);
  return {read_image(path(i), reading_), files_[usize(i)].label, files_[usize(i)].name};
}

}  // namespace saccade::data
