#include <algorithm>
#include <cmath>

#include "saccade/augment/draw_transform_internal.h"

namespace saccade {
namespace {

/// Shifts below 1 are shares of the extent.
bool is_share(const ShiftRange& range) {
  if (const auto* fraction = std::get_if<double>(&range.value())) return *fraction < 1.0;
  const auto* choices = std::get_if<std::vector<double>>(&range.value());
  return choices != nullptr && *std::max_element(choices->begin(), choices->end()) < 1.0;
}

/// Random numbers as the addressed mode takes them: each call takes its own, wanted or not.
class Addressed {
 public:
  explicit Addressed(Stream& stream) : stream_(stream) {}

  double uniform(bool, double low, double high) { return low + (high - low) * stream_.uniform_double(); }
  bool coin(bool) { return stream_.uniform_double() < 0.5; }

  /// One shift a channel (keras200), from a stream of their own: pictures of one and of three channels stay in step.
  void channel_shifts(bool wanted, Index channels, double range, std::vector<double>& shifts) {
    Stream own(static_cast<std::uint64_t>(stream_()), 0, 0, slot_of("channel shifts"));
    for (Index k = 0; wanted && k < channels; ++k) shifts.push_back(range * (2.0 * own.uniform_double() - 1.0));
  }

  double shift(const ShiftRange& range, Index extent, Compat compat) {
    const double first = stream_.uniform_double(), sign = stream_.uniform_double() < 0.5 ? -1.0 : 1.0;
    const bool keras200 = compat == Compat::keras200;
    const double scale = !range.is_off() && (is_share(range) || keras200) ? static_cast<double>(extent) : 1.0;
    if (const auto* fraction = std::get_if<double>(&range.value())) return (2.0 * first - 1.0) * *fraction * scale;
    if (const auto* pixels = std::get_if<Index>(&range.value())) {
      if (keras200) return (2.0 * first - 1.0) * static_cast<double>(*pixels) * scale;
      return sign * std::floor(first * static_cast<double>(*pixels));
    }
    const auto& choices = std::get<std::vector<double>>(range.value());
    if (choices.empty()) return 0.0;
    return sign * scale * choices[static_cast<std::size_t>(first * static_cast<double>(choices.size()))];
  }

 private:
  Stream& stream_;
};

/// Random numbers as Keras takes them: only what is wanted.
class AsKeras {
 public:
  explicit AsKeras(NumpyRandom& random) : random_(random) {}

  double uniform(bool wanted, double low, double high) { return wanted ? random_.uniform(low, high) : low; }
  bool coin(bool wanted) { return wanted && random_.uniform() < 0.5; }

  void channel_shifts(bool wanted, Index channels, double range, std::vector<double>& shifts) {
    for (Index k = 0; wanted && k < channels; ++k) shifts.push_back(random_.uniform(-range, range));
  }

  double shift(const ShiftRange& range, Index extent, Compat compat) {
    if (range.is_off()) return 0.0;
    const double size = static_cast<double>(extent);
    double shift = 0.0;
    if (const auto* fraction = std::get_if<double>(&range.value())) {
      shift = random_.uniform(-*fraction, *fraction);
    } else if (const auto* pixels = std::get_if<Index>(&range.value())) {
      if (compat == Compat::keras200)
        return random_.uniform(static_cast<double>(-*pixels), static_cast<double>(*pixels)) * size;
      shift = static_cast<double>(random_.below(static_cast<std::uint32_t>(*pixels))) * sign();
    } else {
      const auto& choices = std::get<std::vector<double>>(range.value());
      shift = choices[random_.below(static_cast<std::uint32_t>(choices.size()))] * sign();
    }
    return is_share(range) || compat == Compat::keras200 ? shift * size : shift;
  }

 private:
  double sign() { return random_.below(2) == 0 ? -1.0 : 1.0; }

  NumpyRandom& random_;
};

ErasedBox draw_box(const Shape& hwc, double area, double aspect, double down, double right, double grey) {
  const double height = static_cast<double>(hwc[0]), width = static_cast<double>(hwc[1]);
  const double ratio = std::exp((2.0 * aspect - 1.0) * std::log(3.0));  // 1/3 to 3
  const double pixels = (0.02 + 0.31 * area) * height * width;
  const Index rows = std::clamp<Index>(std::llround(std::sqrt(pixels * ratio)), 1, hwc[0]);
  const Index columns = std::clamp<Index>(std::llround(std::sqrt(pixels / ratio)), 1, hwc[1]);
  return {.top = static_cast<Index>(down * static_cast<double>(hwc[0] - rows + 1)),
          .left = static_cast<Index>(right * static_cast<double>(hwc[1] - columns + 1)),
          .height = rows,
          .width = columns,
          .value = static_cast<float>(std::floor(256.0 * grey))};
}

/// Keras's draws in Keras's order, then ours.
template <class Random>
ImageTransform draw(const ImageDataGeneratorOptions& o, const Shape& hwc, Random random) {
  ImageTransform t;
  const bool keras200 = o.compat == Compat::keras200;
  const auto symmetric = [&](double range) {
    const double drawn = random.uniform(range != 0.0, -range, range);
    return range != 0.0 ? drawn : 0.0;
  };
  t.theta = symmetric(o.rotation_range);
  t.tx = random.shift(o.height_shift_range, hwc[0], o.compat);
  t.ty = random.shift(o.width_shift_range, hwc[1], o.compat);
  t.shear = symmetric(o.shear_range);
  const bool zooms = !o.zoom_range.is_off();
  const double zx = random.uniform(zooms, o.zoom_range.low, o.zoom_range.high);
  const double zy = random.uniform(zooms, o.zoom_range.low, o.zoom_range.high);
  if (zooms) {
    t.zx = zx;
    t.zy = o.zoom_keep_aspect ? zx : zy;
  }
  const bool shifts_color = o.channel_shift_range != 0.0;
  const double c = o.channel_shift_range;
  if (keras200) random.channel_shifts(shifts_color, hwc[2], c, t.channel_shift);
  const bool horizontal = random.coin(!keras200 || o.horizontal_flip);
  const bool vertical = random.coin(!keras200 || o.vertical_flip);
  t.flip_horizontal = o.horizontal_flip && horizontal;
  t.flip_vertical = o.vertical_flip && vertical;
  if (!keras200) {
    const double shift = symmetric(c);
    if (shifts_color) t.channel_shift = {shift};
  }
  const auto factor = [&](const std::optional<Range>& range) -> std::optional<double> {
    const Range r = range.value_or(Range{1.0, 1.0});
    const double drawn = random.uniform(range.has_value(), r.low, r.high);
    return range ? std::optional(drawn) : std::nullopt;
  };
  t.brightness = factor(o.brightness_range);
  t.contrast = factor(o.contrast_range);
  t.saturation = factor(o.saturation_range);
  const double span = static_cast<double>(2 * o.random_crop + 1);
  const double down = random.uniform(o.random_crop > 0, 0.0, span),
               right = random.uniform(o.random_crop > 0, 0.0, span);
  if (o.random_crop > 0) {
    t.tx += std::floor(down) - static_cast<double>(o.random_crop);
    t.ty += std::floor(right) - static_cast<double>(o.random_crop);
  }
  std::array<double, 6> box{};
  for (double& number : box) number = random.uniform(o.random_erasing > 0.0, 0.0, 1.0);
  if (box[0] < o.random_erasing) t.erased = draw_box(hwc, box[1], box[2], box[3], box[4], box[5]);
  return t;
}

/// From a stream of its own, which the first numbers of the picture's address: the others' draws do not move.
double draw_hue(const HueRange& range, Stream stream) {
  const std::uint64_t high = stream();
  Stream own(high << 32 | stream(), 0, 0, slot_of("hue"));
  return range.low + (range.high - range.low) * own.uniform_double();
}

void draw_operations(ImageTransform& transform, const ImageDataGeneratorOptions& o, const Shape& hwc, Stream& stream) {
  for (Index i = 0; i < o.rand_augment; ++i) {
    transform.operations.push_back(draw_operation(hwc, o.rand_augment_magnitude, stream));
  }
}

}  // namespace

ImageTransform draw_transform(const ImageDataGeneratorOptions& options, const Shape& hwc, Stream& stream) {
  const double hue = options.hue_range.is_off() ? 0.0 : draw_hue(options.hue_range, stream);
  ImageTransform transform = draw(options, hwc, Addressed(stream));
  transform.hue = hue;
  draw_operations(transform, options, hwc, stream);
  return transform;
}

ImageTransform draw_transform(const ImageDataGeneratorOptions& options, const Shape& hwc, NumpyRandom& random) {
  ImageTransform transform = draw(options, hwc, AsKeras(random));
  // Keras has none of these: one number stands for all operations, and hue comes last.
  if (options.rand_augment != 0) {
    Stream stream(random.next(), 0, 0, slot_of("rand_augment"));
    draw_operations(transform, options, hwc, stream);
  }
  if (!options.hue_range.is_off()) transform.hue = random.uniform(options.hue_range.low, options.hue_range.high);
  return transform;
}

}  // namespace saccade
