#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/data/dataset.h"
#include "saccade/image/color.h"
#include "saccade/image/decode.h"
#include "saccade/image/resize.h"

namespace saccade::data {

/// Height and width, in Keras's order. Pixels.
struct TargetSize {
  Index height = 256;
  Index width = 256;
};

/// How a file becomes an image of the shape that all others have: decoded, its colours converted, then resized, each as
/// Pillow does it.
struct ImageReading {
  TargetSize target_size = {};
  ColorMode color_mode = ColorMode::rgb;
  /// Keras's default is nearest, which drops pixels when it shrinks a photograph; this one averages them.
  Interpolation interpolation = Interpolation::bilinear;
  /// Take the largest part about the middle that has target_size's proportions, instead of squeezing the picture.
  bool keep_aspect_ratio = false;
  /// Decode a JPEG at 1/2, 1/4 or 1/8 of its size where that is still at least target_size: several times as fast, with
  /// pixels that differ by a few levels. Never done for `nearest`. False: the pixels of a full decode.
  bool scaled_decoding = true;
  /// The share of target_size that scaled decoding must reach, above 0 and at most 1. Below 1, pictures that fall short are
  /// enlarged: 0.8 takes half of a photograph of 500 x 375 for 224 x 224, in two thirds of the time, with a little blur.
  double decoding_share = 1.0;
  DecodeLimits limits = {};
};

/// How images become the input of a network that takes `shape`, [height, width, 1, 3 or 4]: of that size, and of the colours
/// that go with its channels; the rest as in `reading`. Throws ShapeError for another number of channels.
ImageReading reading_for(const Shape& shape, ImageReading reading = {});

/// The image of a file: [target height, target width, 1, 3 or 4], uint8. Throws ValueError for a target without pixels,
/// SystemError when the file cannot be read, FormatError when it holds no readable image.
Tensor read_image(const std::filesystem::path& path, const ImageReading& reading);
/// The same of an image that has been decoded already.
Tensor fit_image(Tensor image, const ImageReading& reading);
/// The same of a file's bytes; `name` stands in error messages.
Tensor read_image(std::span<const std::byte> bytes, std::string_view name, const ImageReading& reading);

/// Endings by which the files of a folder are known to be images.
inline constexpr std::array<std::string_view, 11> kImageExtensions{"png", "jpg", "jpeg", "bmp", "ppm", "pgm",
                                                                   "pnm", "tif", "tiff", "gif", "webp"};

/// Whether a file's name ends in one of kImageExtensions, in any case. What is in the file may still be something else.
bool has_image_extension(const std::filesystem::path& path);

/// Labelled image files, read each time they are asked for: memory holds their names only.
/// Sample::name is the file's name as it is given here.
class ImageFiles final : public Dataset {
 public:
  struct File {
    std::string name;  ///< Relative to the folder, or absolute.
    std::int32_t label = 0;
  };
  /// What images may have beside a label; empty where they have none.
  struct Annotations {
    std::vector<float> weights = {};  ///< One an image.
    std::vector<float> targets = {};  ///< [images, class names]
  };

  /// Throws ValueError for a target without pixels, no classes, a label outside 0 .. classes-1, and annotations that
  /// with_weights() or with_targets() refuse.
  ImageFiles(std::string name, std::filesystem::path folder, std::vector<File> files,
             std::vector<std::string> class_names, const ImageReading& reading, Annotations annotations);

  std::string name() const override { return name_; }
  Index size() const noexcept override { return isize(files_.size()); }
  Shape image_shape() const override;
  const std::vector<std::string>& class_names() const noexcept override { return class_names_; }
  Index label(Index i) const override;
  bool has_weights() const noexcept override { return !annotations_.weights.empty(); }
  float weight(Index i) const override;
  bool has_targets() const noexcept override { return !annotations_.targets.empty(); }
  void target(Index i, std::span<float> out) const override;
  std::string sample_name(Index i) const override;
  Sample get(Index i) const override;

  /// Where image i is.
  std::filesystem::path path(Index i) const;
  const ImageReading& reading() const noexcept { return reading_; }

 private:
  std::string name_;
  std::filesystem::path folder_;
  std::vector<File> files_;
  std::vector<std::string> class_names_;
  ImageReading reading_;
  Annotations annotations_;
};

/// Images found on disk.
struct FoundImages {
  std::shared_ptr<const ImageFiles> images;
  /// What a reader should know about them, a line each: hidden folders that were left out, a class without images, a single
  /// class, how many rows name no image file.
  std::vector<std::string> warnings;
  std::vector<std::string> missing = {};  ///< Of a table: each row that was left out because it names no image file.
};

}  // namespace saccade::data
