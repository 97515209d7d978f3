#pragma once
#include <string>
#include <string_view>

#include "saccade/augment/image_data_generator.h"

namespace saccade::cli {

/// What `saccade train` and `saccade augment` can be told about augmentation, as text where an option has several forms.
struct AugmentOptions {
  double rotation_range = 0.0;
  std::string width_shift_range;
  std::string height_shift_range;
  double shear_range = 0.0;
  std::string zoom_range;
  bool zoom_keep_aspect = false;
  std::string brightness_range;
  std::string contrast_range;
  std::string saturation_range;
  std::string hue_range;
  double channel_shift_range = 0.0;
  bool horizontal_flip = false;
  bool vertical_flip = false;
  Index random_crop = 0;
  double random_erasing = 0.0;
  Index rand_augment = 0;
  double rand_augment_magnitude = 9.0;
  std::string fill_mode = "nearest";
  double cval = 0.0;
  Index interpolation_order = 1;
  std::string compat = "documented";

  /// Calls visitor(flag, value, help) for each, in the order of --help.
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("--rotation-range", rotation_range, "turn by up to so many degrees");
    visitor("--width-shift-range", width_shift_range, "move sideways: a share (0.1), pixels (5), or a choice (1,4,9)");
    visitor("--height-shift-range", height_shift_range, "move up and down; likewise");
    visitor("--shear-range", shear_range, "slant by up to so many degrees");
    visitor("--zoom-range", zoom_range, "zoom by 1-z to 1+z (0.1), or LOW,HIGH; below 1 magnifies");
    visitor("--zoom-keep-aspect", zoom_keep_aspect, "zoom both axes alike");
    visitor("--brightness-range", brightness_range, "LOW,HIGH: factors, e.g. 0.7,1.3");
    visitor("--contrast-range", contrast_range, "LOW,HIGH: factors about the mean grey");
    visitor("--saturation-range", saturation_range, "LOW,HIGH: factors about each pixel's grey; 0 is grey");
    visitor("--hue-range", hue_range, "turn the colour circle by -h to h of a turn (0.05), or LOW,HIGH");
    visitor("--channel-shift-range", channel_shift_range, "add up to so many levels, of 255");
    visitor("--horizontal-flip", horizontal_flip, "mirror half of the pictures left to right");
    visitor("--vertical-flip", vertical_flip, "mirror half of the pictures top to bottom");
    visitor("--random-crop", random_crop, "move by up to so many whole pixels: pad and crop");
    visitor("--random-erasing", random_erasing, "share of pictures that lose a box");
    visitor("--rand-augment", rand_augment, "RandAugment: so many random operations on each picture");
    visitor("--rand-augment-magnitude", rand_augment_magnitude, "their strength, 0 to 30");
    visitor("--fill-mode", fill_mode, "what comes in from outside: constant, nearest, reflect, wrap or grid-wrap");
    visitor("--cval", cval, "the level outside, for --fill-mode constant");
    visitor("--interpolation-order", interpolation_order, "0 nearest pixel, 1 bilinear, 2 to 5 splines");
    visitor("--compat", compat, "whose pixels: documented, kp112, keras200 or keras3");
  }
};

/// Throws ValueError naming `command` and the option.
ImageDataGeneratorOptions generator_options(const AugmentOptions& options, std::string_view command);

/// The options that suit a data set ("mnist", ...), or photographs of one's own.
AugmentOptions recommended_augmentation(std::string_view dataset);

}  // namespace saccade::cli
