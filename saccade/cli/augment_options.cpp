#include "saccade/cli/augment_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/cli/parse_numbers.h"

namespace saccade::cli {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view command) : command_(command) {}

  std::optional<Range> range(const std::string& text, const char* option) const {
    if (text.empty()) return std::nullopt;
    const std::vector<double> numbers = parse_numbers<double>(text);
    if (numbers.size() != 2) fail(option, "two numbers LOW,HIGH", text, "try 0.7,1.3");
    return Range{numbers[0], numbers[1]};
  }

  ShiftRange shift(const std::string& text, const char* option) const {
    if (text.empty()) return {};
    const std::vector<double> numbers = parse_numbers<double>(text);
    if (numbers.empty()) fail(option, "a share, pixels, or numbers with commas between", text, "try 0.1");
    if (numbers.size() > 1) return ShiftRange(numbers);
    const bool whole = text.find_first_not_of("0123456789") == std::string::npos;
    return whole && numbers[0] < 1e6 ? ShiftRange(static_cast<int>(numbers[0])) : ShiftRange(numbers[0]);
  }

  /// ZoomRange or HueRange, which know what one number stands for.
  template <class NumberOrRange>
  NumberOrRange number_or_range(const std::string& text, const char* option, const char* fix) const {
    if (text.empty()) return {};
    const std::vector<double> numbers = parse_numbers<double>(text);
    if (numbers.size() == 1) return NumberOrRange(numbers[0]);
    if (numbers.size() != 2) fail(option, "a number, or LOW,HIGH", text, fix);
    return {numbers[0], numbers[1]};
  }

 private:
  [[noreturn]] void fail(const char* option, std::string expected, const std::string& got, std::string fix) const {
    throw ValueError({.where = fmt::format("{}: {}", command_, option),
                      .expected = std::move(expected),
                      .got = fmt::format("'{}'", got),
                      .fix = std::move(fix)});
  }

  std::string_view command_;
};

}  // namespace

ImageDataGeneratorOptions generator_options(const AugmentOptions& o, std::string_view command) {
  const Reader reader(command);
  ImageDataGeneratorOptions options{
      .rotation_range = o.rotation_range,
      .width_shift_range = reader.shift(o.width_shift_range, "--width-shift-range"),
      .height_shift_range = reader.shift(o.height_shift_range, "--height-shift-range"),
      .brightness_range = reader.range(o.brightness_range, "--brightness-range"),
      .shear_range = o.shear_range,
      .zoom_range = reader.number_or_range<ZoomRange>(o.zoom_range, "--zoom-range", "try 0.1, which is 0.9,1.1"),
      .channel_shift_range = o.channel_shift_range,
      .fill_mode = fill_mode_named(o.fill_mode),
      .cval = static_cast<float>(o.cval),
      .horizontal_flip = o.horizontal_flip,
      .vertical_flip = o.vertical_flip,
      .interpolation_order = static_cast<int>(std::clamp<Index>(o.interpolation_order, -1, 6)),
      .compat = compat_named(o.compat),
      .zoom_keep_aspect = o.zoom_keep_aspect,
      .random_crop = o.random_crop,
      .contrast_range = reader.range(o.contrast_range, "--contrast-range"),
      .saturation_range = reader.range(o.saturation_range, "--saturation-range"),
      .hue_range = reader.number_or_range<HueRange>(o.hue_range, "--hue-range", "try 0.05, which is -0.05,0.05"),
      .random_erasing = o.random_erasing,
      .rand_augment = o.rand_augment,
      .rand_augment_magnitude = o.rand_augment_magnitude};
  return ImageDataGenerator(std::move(options)).options();  // which looks at every one
}

AugmentOptions recommended_augmentation(std::string_view dataset) {
  AugmentOptions o;
  if (dataset == "mnist") {
    o.rotation_range = 10.0;
    o.width_shift_range = o.height_shift_range = "0.06";  // 1.7 of 28 pixels
    o.shear_range = 8.6;
    o.zoom_range = "0.1";
  } else if (dataset == "fashion-mnist") {
    o.horizontal_flip = true;
    o.random_crop = 2;
  } else if (dataset == "cifar10") {
    o.horizontal_flip = true;
    o.random_crop = 4;
    o.fill_mode = "reflect";
  } else {
    o.rotation_range = 15.0;
    o.width_shift_range = o.height_shift_range = "0.1";
    o.zoom_range = "0.8,1.1";
    o.zoom_keep_aspect = true;
    o.horizontal_flip = true;
    o.fill_mode = "reflect";
  }
  return o;
}

}  // namespace saccade::cli
