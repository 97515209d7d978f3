#include "saccade/augment/image_data_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "saccade/augment/draw_transform_internal.h"
#include "saccade/augment/pixels_internal.h"
#include "saccade/base/error.h"

namespace saccade {
namespace {

void require(bool holds, std::string_view option, std::string expected, std::string got, std::string_view fix) {
  if (holds) return;
  throw ValueError({.where = fmt::format("ImageDataGenerator: {}", option),
                    .expected = std::move(expected),
                    .got = std::move(got),
                    .fix = std::string(fix)});
}

constexpr double kMost = 1e6;  // of any range: beyond it, pictures hold nothing any more

void require_finite(double value, std::string_view option) {
  require(std::abs(value) <= kMost, option, fmt::format("a number between -{0:g} and {0:g}", kMost),
          fmt::format("{}", value), "0 is off");  // nor NaN
}

void require_range(const Range& range, double least, std::string_view option) {
  const auto good = [&](double x) { return x >= least && x <= kMost; };
  require(good(range.low) && good(range.high), option, fmt::format("two numbers from {} to {:g}", least, kMost),
          fmt::format("{}, {}", range.low, range.high), "1 leaves pictures as they are: try 0.8, 1.2");
}

void require_shift(const ShiftRange& range, std::string_view option, Compat compat) {
  if (const auto* fraction = std::get_if<double>(&range.value())) return require_finite(*fraction, option);
  if (const auto* pixels = std::get_if<Index>(&range.value())) {
    return require(*pixels >= 0 && static_cast<double>(*pixels) <= kMost, option,
                   fmt::format("0 to {:g} pixels", kMost), fmt::format("{}", *pixels), "5 shifts by up to 4");
  }
  require(compat != Compat::keras200, option, "a number under keras200", "a list", "use another compat");
  for (const double choice : std::get<std::vector<double>>(range.value())) require_finite(choice, option);
}

void validate(const ImageDataGeneratorOptions& o) {
  require_finite(o.rotation_range, "rotation_range");
  require_finite(o.shear_range, "shear_range");
  require_finite(o.channel_shift_range, "channel_shift_range");
  require_finite(o.cval, "cval");
  require_finite(o.rescale.value_or(0.0), "rescale");
  require_shift(o.width_shift_range, "width_shift_range", o.compat);
  require_shift(o.height_shift_range, "height_shift_range", o.compat);
  require_range(o.zoom_range, 0.0, "zoom_range");
  for (const auto& [range, name] : {std::pair{o.brightness_range, "brightness_range"},
                                    {o.contrast_range, "contrast_range"},
                                    {o.saturation_range, "saturation_range"}}) {
    if (range) require_range(*range, 0.0, name);
  }
  require(std::abs(o.hue_range.low) <= 0.5 && std::abs(o.hue_range.high) <= 0.5, "hue_range",
          "numbers from -0.5 to 0.5, turns of the colour circle",
          fmt::format("{}, {}", o.hue_range.low, o.hue_range.high), "0.05 keeps the colours' names");
  require(!o.brightness_range || o.compat != Compat::keras200, "brightness_range", "none under keras200", "a range",
          "Keras 2.0.0 had no brightness_range: use another compat");
  require(o.zca_epsilon > 0.0 && std::isfinite(o.zca_epsilon), "zca_epsilon", "a number above 0",
          fmt::format("{}", o.zca_epsilon), "leave it at 1e-6");
  require(o.validation_split == 0.0 || (o.validation_split > 0.0 && o.validation_split < 1.0), "validation_split",
          "a share between 0 and 1", fmt::format("{}", o.validation_split), "0.2 sets a fifth aside");
  require(o.interpolation_order >= 0 && o.interpolation_order <= 5, "interpolation_order", "0 to 5",
          fmt::format("{}", o.interpolation_order), "1 is bilinear");
  require(o.random_crop >= 0 && static_cast<double>(o.random_crop) <= kMost, "random_crop",
          fmt::format("0 to {:g} pixels", kMost), fmt::format("{}", o.random_crop), "4 suits 32 x 32");
  require(o.random_erasing >= 0.0 && o.random_erasing <= 1.0, "random_erasing", "a probability",
          fmt::format("{}", o.random_erasing), "0.25 erases in a quarter of the pictures");
  require(o.rand_augment >= 0 && o.rand_augment <= 100, "rand_augment", "0 to 100 operations",
          fmt::format("{}", o.rand_augment), "2 is usual");
  require(o.rand_augment_magnitude >= 0.0 && o.rand_augment_magnitude <= 30.0, "rand_augment_magnitude", "0 to 30",
          fmt::format("{}", o.rand_augment_magnitude), "9 is usual");
}

/// One picture turned from [c, h, w] to [h, w, c] for as long as this lives, and back.
class ChannelsLast {
 public:
  ChannelsLast(const Shape& chw, std::span<float> image) : channels_(chw[0]), pixels_(chw[1] * chw[2]), image_(image) {
    buffer_.resize(image.size());
    for (Index c = 0; c < channels_; ++c) {
      for (Index i = 0; i < pixels_; ++i) buffer_[usize(i * channels_ + c)] = image_[usize(c * pixels_ + i)];
    }
  }
  ~ChannelsLast() {
    for (Index c = 0; c < channels_; ++c) {
      for (Index i = 0; i < pixels_; ++i) image_[usize(c * pixels_ + i)] = buffer_[usize(i * channels_ + c)];
    }
  }
  ChannelsLast(const ChannelsLast&) = delete;
  ChannelsLast& operator=(const ChannelsLast&) = delete;

  std::span<float> image() { return buffer_; }

 private:
  Index channels_, pixels_;
  std::span<float> image_;
  std::vector<float> buffer_;
};

void require_values(const Shape& shape, std::size_t values, std::string_view where) {
  if (shape.elements() >= 1 && values == usize(shape.elements())) return;
  throw ShapeError({.where = std::string(where),
                    .expected = fmt::format("{} values for {}, at least one", shape.elements(), shape.to_string()),
                    .got = fmt::format("{}", values),
                    .fix = "pass the whole picture"});
}

struct Moments {
  double mean, deviation;
};

/// Sums in eight lanes, which the compiler turns into vectors; always the same eight.
template <class Term>
double sum_of(std::span<const float> values, Term&& term) {
  std::array<double, 8> lanes{};
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += term(values[i + lane]);
  }
  for (; i < values.size(); ++i) lanes[0] += term(values[i]);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/// The deviation only when it is wanted.
Moments moments_of(std::span<const float> values, bool deviation) {
  const double n = static_cast<double>(values.size());
  const double mean = sum_of(values, [](float x) { return static_cast<double>(x); }) / n;
  if (!deviation) return {mean, 0.0};
  const float rounded = static_cast<float>(mean);
  const double squares = sum_of(values, [rounded](float x) {
    const double centred = static_cast<double>(x - rounded);
    return centred * centred;
  });
  return {mean, std::sqrt(squares / n)};
}

/// x = change(x, value of its channel) for each value of a picture or batch.
template <class Change>
void change_channels(std::span<float> image, std::span<const float> of_channel, std::size_t pixels, bool last,
                     Change&& change) {
  if (last) return pixels::change_channels(image, of_channel, change);
  for (std::size_t first = 0, c = 0; first < image.size(); first += pixels, c = (c + 1) % of_channel.size()) {
    for (float& x : image.subspan(first, pixels)) x = change(x, of_channel[c]);
  }
}

void normalise(std::span<float> values, bool center, bool scale, double epsilon) {
  const Moments moments = moments_of(values, scale);
  const float mean = static_cast<float>(moments.mean);
  const float deviation = static_cast<float>(moments.deviation + epsilon);
  if (center) {
    for (float& x : values) x -= mean;
  }
  if (scale) {
    for (float& x : values) x /= deviation;
  }
}

/// Each pixel by itself, as Keras 2.0.0 did; its channels stand `step` values apart.
void normalise_pixels(std::span<float> image, std::size_t channels, std::size_t step, bool center, bool scale) {
  std::vector<float> pixel(channels);
  for (std::size_t first = 0; first < image.size(); first += channels * step) {
    for (std::size_t i = first; i < first + step; ++i) {
      for (std::size_t c = 0; c < channels; ++c) pixel[c] = image[i + c * step];
      normalise(pixel, center, scale, 1e-7);
      for (std::size_t c = 0; c < channels; ++c) image[i + c * step] = pixel[c];
    }
  }
}

}  // namespace

bool ShiftRange::is_off() const noexcept {
  if (const auto* fraction = std::get_if<double>(&value_)) return *fraction == 0.0;
  if (const auto* pixels = std::get_if<Index>(&value_)) return *pixels == 0;
  return std::get<std::vector<double>>(value_).empty();
}

ImageDataGenerator::ImageDataGenerator(ImageDataGeneratorOptions options) : options_(std::move(options)) {
  ImageDataGeneratorOptions& o = options_;
  validate(o);
  if (o.compat == Compat::keras200) return;
  const auto imply = [&](bool condition, bool& option, bool value, std::string_view text) {
    if (!condition || option == value) return;
    option = value;
    warnings_.emplace_back(text);
  };
  imply(o.zca_whitening, o.featurewise_center, true, "zca_whitening switches featurewise_center on");
  imply(o.zca_whitening, o.featurewise_std_normalization, false,
        "zca_whitening switches featurewise_std_normalization off");
  imply(o.featurewise_std_normalization, o.featurewise_center, true,
        "featurewise_std_normalization switches featurewise_center on");
  imply(o.samplewise_std_normalization, o.samplewise_center, true,
        "samplewise_std_normalization switches samplewise_center on");
}

std::vector<std::string> ImageDataGenerator::warnings() const {
  std::vector<std::string> result = warnings_;
  const auto missing = [&](bool wanted, bool there, std::string_view option) {
    if (wanted && !there) result.push_back(fmt::format("{} does nothing before fit()", option));
  };
  missing(options_.featurewise_center, !statistics_.mean.empty(), "featurewise_center");
  missing(options_.featurewise_std_normalization, !statistics_.deviation.empty(), "featurewise_std_normalization");
  missing(options_.zca_whitening, statistics_.whitening != nullptr, "zca_whitening");
  return result;
}

bool ImageDataGenerator::augments() const noexcept {
  const ImageDataGeneratorOptions& o = options_;
  return o.rotation_range != 0.0 || !o.width_shift_range.is_off() || !o.height_shift_range.is_off() ||
         o.brightness_range || o.shear_range != 0.0 || !o.zoom_range.is_off() || o.channel_shift_range != 0.0 ||
         o.horizontal_flip || o.vertical_flip || o.random_crop != 0 || o.contrast_range || o.saturation_range ||
         !o.hue_range.is_off() || o.random_erasing != 0.0 || o.rand_augment != 0;
}

Shape ImageDataGenerator::channels_last(const Shape& shape) const {
  if (shape.rank() != 3 || shape.elements() < 1) {
    throw ShapeError({.where = "ImageDataGenerator",
                      .expected = options_.data_format == DataFormat::channels_last
                                      ? "a picture [height, width, channels]"
                                      : "a picture [channels, height, width]",
                      .got = shape.to_string(),
                      .fix = "pass one picture at a time"});
  }
  return options_.data_format == DataFormat::channels_last ? shape : Shape{shape[1], shape[2], shape[0]};
}

ImageTransform ImageDataGenerator::get_random_transform(const Shape& shape, Stream& stream) const {
  return draw_transform(options_, channels_last(shape), stream);
}

ImageTransform ImageDataGenerator::get_random_transform(const Shape& shape, NumpyRandom& random) const {
  return draw_transform(options_, channels_last(shape), random);
}

void ImageDataGenerator::apply_transform(const ImageTransform& transform, const Shape& shape,
                                         std::span<float> image) const {
  const Shape hwc = channels_last(shape);
  require_values(shape, image.size(), "apply_transform");
  const ApplyOptions apply{
      .fill_mode = options_.fill_mode,
      .cval = options_.cval,
      .interpolation_order = options_.compat == Compat::keras200 ? 0 : options_.interpolation_order,
      .compat = options_.compat};
  if (options_.data_format == DataFormat::channels_last) {
    saccade::apply_transform(transform, hwc, image, apply);
  } else {
    ChannelsLast turned(shape, image);
    saccade::apply_transform(transform, hwc, turned.image(), apply);
  }
}

ImageTransform ImageDataGenerator::random_transform(const Shape& shape, std::span<float> image, Stream& stream) const {
  ImageTransform transform = get_random_transform(shape, stream);
  apply_transform(transform, shape, image);
  return transform;
}

void ImageDataGenerator::standardize(const Shape& shape, std::span<float> image) const {
  const ImageDataGeneratorOptions& o = options_;
  const bool last = o.data_format == DataFormat::channels_last;
  const Shape one = shape.rank() == 4 ? shape.without_batch() : shape;
  const Shape hwc = channels_last(one);
  const std::size_t channels = usize(hwc[2]), pixels = usize(hwc[0] * hwc[1]), count = usize(hwc.elements());
  require_values(shape, image.size(), "standardize");
  for (const std::vector<float>* fitted : {&statistics_.mean, &statistics_.deviation}) {
    if (fitted->empty() || fitted->size() == channels) continue;
    throw ShapeError({.where = "standardize",
                      .expected = fmt::format("pictures of {} channels, as fit() saw", fitted->size()),
                      .got = fmt::format("{}", channels),
                      .fix = "convert the pictures, or fit() again"});
  }
  if (o.preprocessing_function) o.preprocessing_function(shape, image);
  if (o.rescale) {
    const float by = static_cast<float>(*o.rescale);
    for (float& x : image) x *= by;
  }
  if (o.samplewise_center || o.samplewise_std_normalization) {
    if (o.compat == Compat::keras200) {
      normalise_pixels(image, channels, last ? 1 : pixels, o.samplewise_center, o.samplewise_std_normalization);
    } else {
      normalise(image, o.samplewise_center, o.samplewise_std_normalization, 1e-6);
    }
  }
  if (o.featurewise_center && !statistics_.mean.empty()) {
    change_channels(image, statistics_.mean, pixels, last, [](float x, float mean) { return x - mean; });
  }
  if (o.featurewise_std_normalization && !statistics_.deviation.empty()) {
    change_channels(image, divisors_, pixels, last, [](float x, float divisor) { return x / divisor; });
  }
  if (!o.zca_whitening || statistics_.whitening == nullptr) return;
  for (std::size_t first = 0; first < image.size(); first += count) {
    const std::span<float> picture = image.subspan(first, count);
    if (last) {
      statistics_.whitening->apply(picture);
    } else {
      ChannelsLast turned(one, picture);
      statistics_.whitening->apply(turned.image());
    }
  }
}

void ImageDataGenerator::fit(const Tensor& images, const StatisticsOptions& options) {
  if (images.shape().rank() != 4 || images.elements() == 0) {
    throw ShapeError({.where = "fit",
                      .expected = "pictures [n, height, width, channels]",
                      .got = images.shape().to_string(),
                      .fix = "a single picture needs an axis in front"});
  }
  const Shape shape = images.shape().without_batch();
  const std::size_t count = usize(shape.elements());
  fit({.size = images.shape()[0],
       .shape = shape,
       .read =
           [&](Index i, std::span<float> image) {
             if (images.dtype() == DType::float32) {
               std::ranges::copy(images.floats().subspan(usize(i) * count, count), image.begin());
             } else {
               std::ranges::copy(images.uint8s().subspan(usize(i) * count, count), image.begin());
             }
           }},
      options);
}

void ImageDataGenerator::fit(const ImageSource& images, const StatisticsOptions& options) {
  const ImageDataGeneratorOptions& o = options_;
  const Shape hwc = channels_last(images.shape);
  if (images.size < 1 || hwc.elements() < 1) {
    throw ShapeError({.where = "fit",
                      .expected = "pictures, of a pixel at least",
                      .got = fmt::format("{} of {}", images.size, images.shape.to_string()),
                      .fix = "pass the training pictures"});
  }
  require(options.rounds >= 1, "fit: rounds", "at least 1", fmt::format("{}", options.rounds),
          "1 sees each picture once");
  const Index rounds = options.augment ? options.rounds : 1;
  const bool old_formula = o.compat == Compat::keras200 || o.compat == Compat::kp112;
  FeatureAccumulator accumulator({.mean = o.featurewise_center,
                                  .deviation = o.featurewise_std_normalization,
                                  .whitening = o.zca_whitening,
                                  .formula = old_formula ? ZcaFormula::from_covariance : ZcaFormula::from_data,
                                  .zca_epsilon = o.zca_epsilon,
                                  .deviation_epsilon = o.compat == Compat::keras200 ? 1e-7 : 1e-6,
                                  .max_memory_bytes = options.max_memory_bytes},
                                 images.size * rounds, hwc.elements(), hwc[2]);
  std::vector<float> image(usize(hwc.elements()));
  for (Index round = 0; round < rounds; ++round) {
    for (Index i = 0; i < images.size; ++i) {
      images.read(i, image);
      if (o.rescale && o.compat != Compat::keras200) {
        for (float& x : image) x *= static_cast<float>(*o.rescale);
      }
      if (options.augment) {
        Stream stream(options.seed, static_cast<std::uint32_t>(round), static_cast<std::uint64_t>(i),
                      slot_of("augment"));
        random_transform(images.shape, image, stream);
      }
      if (o.data_format == DataFormat::channels_last) {
        accumulator.add(image);
      } else {
        ChannelsLast turned(images.shape, image);
        accumulator.add(turned.image());
      }
    }
  }
  statistics_ = accumulator.finish();
  divisors_.clear();
  for (const float deviation : statistics_.deviation) {
    divisors_.push_back(static_cast<float>(deviation + (o.compat == Compat::keras200 ? 1e-7 : 1e-6)));
  }
}

}  // namespace saccade
