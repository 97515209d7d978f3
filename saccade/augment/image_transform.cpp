#include "saccade/augment/image_transform.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "saccade/augment/json_internal.h"
#include "saccade/augment/pixels_internal.h"
#include "saccade/base/error.h"
#include "saccade/base/place_of.h"

namespace saccade {
namespace {

constexpr std::array<std::string_view, 4> kNames{"documented", "keras200", "kp112", "keras3"};

/// A 3 x 3 matrix whose last row is 0 0 1.
struct Affine {
  double a = 1, b = 0, c = 0;  // row 0
  double d = 0, e = 1, f = 0;  // row 1

  Affine operator*(const Affine& r) const {
    return {a * r.a + b * r.d, a * r.b + b * r.e, a * r.c + b * r.f + c,
            d * r.a + e * r.d, d * r.b + e * r.e, d * r.c + e * r.f + f};
  }
};

double radians(double degrees) { return degrees * (std::numbers::pi / 180.0); }

struct Extremes {
  float low, high;
};

/// In eight lanes, which the compiler turns into vectors.
Extremes extremes_of(std::span<const float> image) {
  std::array<float, 8> low, high;
  low.fill(image[0]);
  high.fill(image[0]);
  std::size_t i = 0;
  for (; i + 8 <= image.size(); i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      const float x = image[i + lane];
      low[lane] = x < low[lane] ? x : low[lane];
      high[lane] = x > high[lane] ? x : high[lane];
    }
  }
  for (; i < image.size(); ++i) {
    low[0] = std::min(low[0], image[i]);
    high[0] = std::max(high[0], image[i]);
  }
  return {*std::ranges::min_element(low), *std::ranges::max_element(high)};
}

void erase(const Shape& hwc, std::span<float> image, const ErasedBox& box) {
  const auto end = [](Index first, Index length, Index extent) { return first + std::min(length, extent - first); };
  const Index top = std::clamp<Index>(box.top, 0, hwc[0]), left = std::clamp<Index>(box.left, 0, hwc[1]);
  const Index bottom = end(top, box.height, hwc[0]), right = end(left, box.width, hwc[1]);
  for (Index r = top; r < bottom; ++r) {
    if (right > left) std::fill_n(image.begin() + (r * hwc[1] + left) * hwc[2], (right - left) * hwc[2], box.value);
  }
}

}  // namespace

std::string_view name_of(Compat compat) noexcept { return kNames[static_cast<std::size_t>(compat)]; }

Compat compat_named(std::string_view name) {
  return static_cast<Compat>(place_of(name, kNames, "compat", "'documented' does what the arguments' names say"));
}

std::optional<AffineMap> affine_map(const ImageTransform& t, const Shape& hwc, Compat compat) {
  const bool turned = t.theta != 0.0, moved = t.tx != 0.0 || t.ty != 0.0, sheared = t.shear != 0.0;
  const bool zoomed = t.zx != 1.0 || t.zy != 1.0;
  if (!turned && !moved && !sheared && !zoomed) return std::nullopt;
  Affine m;
  if (turned) {
    const double c = std::cos(radians(t.theta)), s = std::sin(radians(t.theta));
    m = {c, -s, 0.0, s, c, 0.0};
  }
  if (moved) m = m * Affine{1.0, 0.0, t.tx, 0.0, 1.0, t.ty};
  if (sheared) {
    const double angle = compat == Compat::keras200 ? t.shear : radians(t.shear);
    m = m * Affine{1.0, -std::sin(angle), 0.0, 0.0, std::cos(angle), 0.0};
  }
  if (zoomed) m = m * Affine{t.zx, 0.0, 0.0, 0.0, t.zy, 0.0};
  const double beside = compat == Compat::keras200 || compat == Compat::kp112 ? 0.5 : -0.5;
  const double o0 = static_cast<double>(hwc[0]) / 2.0 + beside, o1 = static_cast<double>(hwc[1]) / 2.0 + beside;
  m = Affine{1.0, 0.0, o0, 0.0, 1.0, o1} * m * Affine{1.0, 0.0, -o0, 0.0, 1.0, -o1};
  if (compat == Compat::keras3) return AffineMap{m.e, m.d, m.f, m.b, m.a, m.c};
  return AffineMap{m.a, m.b, m.c, m.d, m.e, m.f};
}

void apply_channel_shift(const Shape& hwc, std::span<float> image, std::span<const double> shift) {
  pixels::require_picture(hwc, image.size(), "apply_channel_shift");
  const Index channels = hwc[2];
  if (isize(shift.size()) != 1 && isize(shift.size()) != channels) {
    throw ValueError({.where = "apply_transform: channel_shift",
                      .expected = fmt::format("one value, or one for each of {} channels", channels),
                      .got = fmt::format("{}", shift.size()),
                      .fix = "pass one value for all"});
  }
  const auto [low, high] = extremes_of(image);
  const auto raised = [low = low, high = high](float x, float by) { return std::clamp(x + by, low, high); };
  if (shift.size() == 1) {
    const float by = static_cast<float>(shift[0]);
    for (float& x : image) x = raised(x, by);
    return;
  }
  for (Index k = 0; k < channels; ++k) {
    const float by = static_cast<float>(shift[usize(k)]);
    for (std::size_t i = usize(k); i < image.size(); i += usize(channels)) image[i] = raised(image[i], by);
  }
}

void apply_brightness_shift(const Shape& hwc, std::span<float> image, double factor, Compat compat) {
  if (compat == Compat::keras200) {
    throw ValueError({.where = "apply_transform: brightness",
                      .expected = "no brightness under keras200, which came before it",
                      .got = fmt::format("{}", factor),
                      .fix = "use another compat, or leave brightness out"});
  }
  pixels::require_picture(hwc, image.size(), "apply_brightness_shift");
  const auto [low, high] = extremes_of(image);
  const bool always = compat == Compat::kp112, beyond = low < 0.0F || high > 255.0F;
  const bool stretched = always || beyond;
  const float range = high - low, by = static_cast<float>(factor);
  if (stretched) {
    for (float& x : image) x -= low;
    if (range != 0.0F) {
      for (float& x : image) x = x / range * 255.0F;
    }
  }
  pixels::make_whole(image);
  const std::array<float, 4> factors{by, by, by, 1.0F};  // alpha stays
  pixels::change_channels(image, std::span(factors).first(hwc[2] == 4 ? 4 : 1),
                          [](float x, float of_channel) { return of_channel * x; });
  pixels::make_whole(image);
  if (beyond && !always) {
    for (float& x : image) x = x / 255.0F * range + low;
  }
}

void apply_transform(const ImageTransform& t, const Shape& hwc, std::span<float> image, const ApplyOptions& options) {
  const std::optional<AffineMap> map = affine_map(t, hwc, options.compat);
  if (map) {
    warp(hwc, image, *map,
         {.fill_mode = options.fill_mode,
          .cval = options.cval,
          .interpolation_order = options.interpolation_order,
          .flip_horizontal = t.flip_horizontal,
          .flip_vertical = t.flip_vertical});
  } else {
    flip(hwc, image, t.flip_horizontal, t.flip_vertical);
  }
  // Flips and a shift that treats all pixels alike may change places.
  if (!t.channel_shift.empty()) apply_channel_shift(hwc, image, t.channel_shift);
  if (t.brightness) apply_brightness_shift(hwc, image, *t.brightness, options.compat);
  if (t.contrast) pixels::adjust_contrast(hwc, image, *t.contrast);
  if (t.saturation) pixels::adjust_saturation(hwc, image, *t.saturation);
  if (t.hue != 0.0) pixels::adjust_hue(hwc, image, t.hue);
  for (const ImageOperation& operation : t.operations) {
    apply_operation(
        operation, hwc, image,
        {.fill_mode = options.fill_mode, .cval = options.cval, .interpolation_order = options.interpolation_order});
  }
  if (t.erased) erase(hwc, image, *t.erased);
}

namespace {

using augment_json::Json;

constexpr auto kVisit = [](auto&& t, auto&& visitor) {
  visitor("theta", t.theta);
  visitor("tx", t.tx);
  visitor("ty", t.ty);
  visitor("shear", t.shear);
  visitor("zx", t.zx);
  visitor("zy", t.zy);
  visitor("flip_horizontal", t.flip_horizontal);
  visitor("flip_vertical", t.flip_vertical);
  visitor("channel_shift", t.channel_shift);
  visitor("brightness", t.brightness);
  visitor("contrast", t.contrast);
  visitor("saturation", t.saturation);
  visitor("hue", t.hue);
  visitor("operations", t.operations);
  visitor("erased", t.erased);
};

Json json_of(const ErasedBox& box) { return Json::array({box.top, box.left, box.height, box.width, box.value}); }
Json json_of(const std::vector<ImageOperation>& operations) {
  Json list = Json::array();
  for (const ImageOperation& operation : operations)
    list.push_back(Json::array({name_of(operation.kind), operation.value}));
  return list;
}
template <class T>
Json json_of(const T& value) {
  return value;
}
template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : Json();
}

void assign(ErasedBox& box, const Json& json) {
  if (json.size() != 5) throw Json::type_error::create(302, "expected [top, left, height, width, value]", &json);
  box = {.top = json.at(0), .left = json.at(1), .height = json.at(2), .width = json.at(3), .value = json.at(4)};
}
void assign(std::vector<ImageOperation>& operations, const Json& json) {
  operations.clear();
  for (const Json& pair : json) {
    operations.push_back({image_operation_named(pair.at(0).get<std::string>()), pair.at(1).get<double>()});
  }
}
template <class T>
void assign(T& value, const Json& json) {
  value = json.get<T>();
}
template <class T>
void assign(std::optional<T>& value, const Json& json) {
  T present{};
  assign(present, json);
  value = present;
}

}  // namespace

std::string to_json(const ImageTransform& transform) {
  return augment_json::write(transform, kVisit, [](const auto& member) { return json_of(member); });
}

ImageTransform image_transform_from_json(std::string_view text, std::string_view where) {
  return augment_json::read<ImageTransform>(
      text, where,
      {.expected = "a transform as JSON, like {\"theta\":10,\"flip_horizontal\":true}",
       .no_object = "expected an object",
       .member = "member"},
      kVisit, [](auto& member, const Json& json) { assign(member, json); });
}

}  // namespace saccade
