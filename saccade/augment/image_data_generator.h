#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "saccade/augment/feature_statistics.h"
#include "saccade/augment/image_transform.h"
#include "saccade/augment/numpy_random.h"
#include "saccade/base/random.h"
#include "saccade/tensor/tensor.h"

namespace saccade {

/// How far a picture may be shifted along an axis. 0 is off.
///   0.2         a fraction f: uniform in -f .. f; of the picture's extent when below 1, else in pixels
///   5           whole pixels k: an integer from -(k-1) to k-1, 0 twice as likely
///   {1, 4, 9}   one of these, with a random sign; fractions of the extent when all are below 1, else pixels
class ShiftRange {
 public:
  ShiftRange() = default;
  ShiftRange(double fraction) : value_(fraction) {}               // NOLINT: reads as Keras's argument
  ShiftRange(int pixels) : value_(static_cast<Index>(pixels)) {}  // NOLINT
  ShiftRange(std::initializer_list<double> choices) : value_(std::vector<double>(choices)) {}
  explicit ShiftRange(std::vector<double> choices) : value_(std::move(choices)) {}

  const std::variant<double, Index, std::vector<double>>& value() const noexcept { return value_; }
  bool is_off() const noexcept;

  friend bool operator==(const ShiftRange&, const ShiftRange&) = default;

 private:
  std::variant<double, Index, std::vector<double>> value_ = 0.0;
};

/// A range of numbers, low <= x <= high. Keras takes the two in either order, and so does everything here.
struct Range {
  double low = 0.0;
  double high = 0.0;

  friend bool operator==(const Range&, const Range&) = default;
};

/// Keras's zoom_range: a number z stands for 1 - z .. 1 + z. Below 1 magnifies.
struct ZoomRange : Range {
  ZoomRange() : Range{1.0, 1.0} {}
  ZoomRange(double z) : Range{1.0 - z, 1.0 + z} {}  // NOLINT
  ZoomRange(double lowest, double highest) : Range{lowest, highest} {}

  bool is_off() const noexcept { return low == 1.0 && high == 1.0; }
};

/// torchvision's hue: a number h stands for -h .. h. In turns of the colour circle, -1/2 to 1/2; half a turn makes each colour
/// its complement.
struct HueRange : Range {
  HueRange() = default;
  HueRange(double h) : Range{-h, h} {}  // NOLINT
  HueRange(double lowest, double highest) : Range{lowest, highest} {}

  bool is_off() const noexcept { return low == 0.0 && high == 0.0; }
};

enum class DataFormat : std::uint8_t {
  channels_last,   ///< [height, width, channels], what everything else here uses.
  channels_first,  ///< [channels, height, width]
};

/// Keras's arguments with Keras's names and defaults; everything is off. Below them, ours.
struct ImageDataGeneratorOptions {
  bool featurewise_center = false;             ///< Subtract the data set's mean, channel by channel; needs fit().
  bool samplewise_center = false;              ///< Subtract the picture's own mean.
  bool featurewise_std_normalization = false;  ///< Divide by the data set's deviation; needs fit().
  bool samplewise_std_normalization = false;   ///< Divide by the picture's own deviation.
  bool zca_whitening = false;                  ///< Decorrelate the pixels; needs fit().
  double zca_epsilon = 1e-6;
  double rotation_range = 0.0;  ///< Degrees: -r .. r.
  ShiftRange width_shift_range = {};
  ShiftRange height_shift_range = {};
  std::optional<Range> brightness_range = {};  ///< Factors.
  double shear_range = 0.0;                    ///< Degrees (radians for Compat::keras200): -s .. s.
  ZoomRange zoom_range = {};
  double channel_shift_range = 0.0;  ///< In the pixels' units: -c .. c.
  FillMode fill_mode = FillMode::nearest;
  float cval = 0.0F;
  bool horizontal_flip = false;  ///< Half of the pictures.
  bool vertical_flip = false;    ///< Half of the pictures.
  std::optional<double> rescale = {};
  /// Changes a picture in place, after augmentation and before everything else in standardize(). Called from several threads.
  std::function<void(const Shape& shape, std::span<float> image)> preprocessing_function = {};
  DataFormat data_format = DataFormat::channels_last;
  double validation_split = 0.0;  ///< The share that flows' subset "validation" takes; 0 is off.
  int interpolation_order = 1;

  Compat compat = Compat::documented;
  bool zoom_keep_aspect = false;               ///< One zoom for both axes.
  Index random_crop = 0;                       ///< Shift by whole pixels, -n .. n, on both axes: pad by n and crop.
  std::optional<Range> contrast_range = {};    ///< Factors about the mean grey.
  std::optional<Range> saturation_range = {};  ///< Factors about each pixel's grey.
  HueRange hue_range = {};
  double random_erasing = 0.0;          ///< Probability that a box of 2 to 33 % of the picture becomes noise-free grey.
  Index rand_augment = 0;               ///< RandAugment: so many random ImageOperations, one after the other,
  double rand_augment_magnitude = 9.0;  ///< of this strength, 0 to 30.
};

/// Pictures one after the other: what fit() reads.
struct ImageSource {
  Index size = 0;
  Shape shape;                                                ///< Of each: [height, width, channels].
  std::function<void(Index i, std::span<float> image)> read;  ///< Writes picture i.
};

struct StatisticsOptions {
  bool augment = false;  ///< Look at randomly transformed pictures, `rounds` of each.
  Index rounds = 1;
  std::uint64_t seed = 0;  ///< Of those transforms: picture i of round r draws from Stream(seed, r, i, "augment").
  double max_memory_bytes = 4.0 * (1ULL << 30U);  ///< ZCA refuses to need more.
};

/// Keras's ImageDataGenerator: random pictures from few, and their normalisation, in three steps that may be used alone:
///   ImageTransform t = generator.get_random_transform(shape, stream);   // draw
///   generator.apply_transform(t, shape, image);                         // move pixels
///   generator.standardize(shape, image);                                // normalise
/// Immutable but for fit(); const members may be called from several threads at once.
/// Source of the semantics: keras-preprocessing, see Compat.
class ImageDataGenerator {
 public:
  /// Applies Keras's rules: zca_whitening implies featurewise_center and excludes featurewise_std_normalization;
  /// *_std_normalization implies *_center (none of that under keras200). Throws ValueError for an option outside its domain.
  explicit ImageDataGenerator(ImageDataGeneratorOptions options = {});

  const ImageDataGeneratorOptions& options() const noexcept { return options_; }
  /// What Keras would warn of: options that were switched on or off, statistics that fit() has not computed.
  std::vector<std::string> warnings() const;
  /// Whether any picture can change by chance.
  bool augments() const noexcept;

  /// Computes what the featurewise options and ZCA need, in one pass and in double; `rescale` comes first, as in standardize()
  /// (not under keras200). Throws ShapeError unless images is [n, height, width, channels] (channels first: [n, c, h, w]).
  void fit(const Tensor& images, const StatisticsOptions& options = {});
  /// The same from pictures that need not fit in memory.
  void fit(const ImageSource& images, const StatisticsOptions& options = {});
  const FeatureStatistics& statistics() const noexcept { return statistics_; }

  /// Draws for one picture of that shape. From a Stream every option takes its own numbers whether it is on or off, so that
  /// switching one on leaves the others' draws alone. From NumpyRandom: Keras's draws, in Keras's order.
  ImageTransform get_random_transform(const Shape& shape, Stream& stream) const;
  ImageTransform get_random_transform(const Shape& shape, NumpyRandom& random) const;

  /// In place. `shape` as data_format says.
  void apply_transform(const ImageTransform& transform, const Shape& shape, std::span<float> image) const;
  /// Draws and applies; returns what was drawn.
  ImageTransform random_transform(const Shape& shape, std::span<float> image, Stream& stream) const;

  /// Normalises a picture in place (rank 3), or a batch as if it were one (rank 4), in this order:
  ///   preprocessing_function; x *= rescale; x -= mean(x); x /= std(x) + 1e-6; x -= feature mean; x /= feature std + 1e-6;
  ///   x = ZCA(x)
  /// std is the population's. (keras200: mean(x), std(x) over the channels of each pixel, and 1e-7.) What needs fit() is left
  /// out before it.
  void standardize(const Shape& shape, std::span<float> image) const;

 private:
  Shape channels_last(const Shape& shape) const;

  ImageDataGeneratorOptions options_;
  std::vector<std::string> warnings_;
  FeatureStatistics statistics_;
  std::vector<float> divisors_;  // deviations, raised by epsilon
};

/// Options as JSON, those at their defaults left out, and back; preprocessing_function does not travel. Throws FormatError.
std::string to_json(const ImageDataGeneratorOptions& options);
ImageDataGeneratorOptions image_data_generator_options_from_json(std::string_view text, std::string_view where);

}  // namespace saccade
