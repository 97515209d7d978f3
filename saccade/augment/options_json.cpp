#include <fmt/format.h>

#include <string>

#include "saccade/augment/image_data_generator.h"
#include "saccade/augment/json_internal.h"

namespace saccade {
namespace {

using augment_json::Json;

constexpr auto kVisit = [](auto&& o, auto&& visitor) {
  visitor("featurewise_center", o.featurewise_center);
  visitor("samplewise_center", o.samplewise_center);
  visitor("featurewise_std_normalization", o.featurewise_std_normalization);
  visitor("samplewise_std_normalization", o.samplewise_std_normalization);
  visitor("zca_whitening", o.zca_whitening);
  visitor("zca_epsilon", o.zca_epsilon);
  visitor("rotation_range", o.rotation_range);
  visitor("width_shift_range", o.width_shift_range);
  visitor("height_shift_range", o.height_shift_range);
  visitor("brightness_range", o.brightness_range);
  visitor("shear_range", o.shear_range);
  visitor("zoom_range", o.zoom_range);
  visitor("channel_shift_range", o.channel_shift_range);
  visitor("fill_mode", o.fill_mode);
  visitor("cval", o.cval);
  visitor("horizontal_flip", o.horizontal_flip);
  visitor("vertical_flip", o.vertical_flip);
  visitor("rescale", o.rescale);
  visitor("data_format", o.data_format);
  visitor("validation_split", o.validation_split);
  visitor("interpolation_order", o.interpolation_order);
  visitor("compat", o.compat);
  visitor("zoom_keep_aspect", o.zoom_keep_aspect);
  visitor("random_crop", o.random_crop);
  visitor("contrast_range", o.contrast_range);
  visitor("saturation_range", o.saturation_range);
  visitor("hue_range", o.hue_range);
  visitor("random_erasing", o.random_erasing);
  visitor("rand_augment", o.rand_augment);
  visitor("rand_augment_magnitude", o.rand_augment_magnitude);
};

template <class T>
Json json_of(const T& value) {
  return value;
}
Json json_of(const Range& range) { return Json::array({range.low, range.high}); }
Json json_of(const ZoomRange& range) { return Json::array({range.low, range.high}); }
Json json_of(const HueRange& range) { return Json::array({range.low, range.high}); }
Json json_of(const ShiftRange& range) {
  return std::visit([](const auto& value) { return Json(value); }, range.value());
}
Json json_of(FillMode mode) { return name_of(mode); }
Json json_of(Compat compat) { return name_of(compat); }
Json json_of(DataFormat format) { return format == DataFormat::channels_last ? "channels_last" : "channels_first"; }
template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : Json();
}

Range range_of(const Json& json) {
  if (!json.is_array() || json.size() != 2) throw Json::type_error::create(302, "expected two numbers", &json);
  return {json.at(0).get<double>(), json.at(1).get<double>()};
}

template <class T>
void assign(T& value, const Json& json) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (!json.is_number_integer() || json.get<Index>() != static_cast<Index>(static_cast<T>(json.get<Index>()))) {
      throw Json::type_error::create(302, "expected a whole number", &json);
    }
  }
  value = json.get<T>();
}
void assign(Range& value, const Json& json) { value = range_of(json); }
/// One number or two, of a range that knows what one stands for.
template <class NumberOrRange>
void assign_number_or_range(NumberOrRange& value, const Json& json) {
  if (json.is_number()) {
    value = NumberOrRange(json.get<double>());
    return;
  }
  const Range range = range_of(json);
  value = NumberOrRange(range.low, range.high);
}
void assign(ZoomRange& value, const Json& json) { assign_number_or_range(value, json); }
void assign(HueRange& value, const Json& json) { assign_number_or_range(value, json); }
void assign(ShiftRange& value, const Json& json) {
  if (json.is_array()) {
    value = ShiftRange(json.get<std::vector<double>>());
  } else if (json.is_number_integer()) {
    int pixels = 0;
    assign(pixels, json);
    value = ShiftRange(pixels);
  } else {
    value = ShiftRange(json.get<double>());
  }
}
void assign(FillMode& value, const Json& json) { value = fill_mode_named(json.get<std::string>()); }
void assign(Compat& value, const Json& json) { value = compat_named(json.get<std::string>()); }
void assign(DataFormat& value, const Json& json) {
  const auto name = json.get<std::string>();
  if (name != "channels_last" && name != "channels_first") {
    throw Json::other_error::create(501, "data_format is channels_last or channels_first", &json);
  }
  value = name == "channels_last" ? DataFormat::channels_last : DataFormat::channels_first;
}
template <class T>
void assign(std::optional<T>& value, const Json& json) {
  T present{};
  assign(present, json);
  value = present;
}

}  // namespace

std::string to_json(const ImageDataGeneratorOptions& options) {
  return augment_json::write(options, kVisit, [](const auto& member) { return json_of(member); });
}

ImageDataGeneratorOptions image_data_generator_options_from_json(std::string_view text, std::string_view where) {
  return augment_json::read<ImageDataGeneratorOptions>(
      text, where,
      {.expected = "ImageDataGenerator's options as JSON, like {\"rotation_range\":15}",
       .no_object = "no object",
       .member = "option"},
      kVisit, [](auto& member, const Json& json) { assign(member, json); });
}

}  // namespace saccade
