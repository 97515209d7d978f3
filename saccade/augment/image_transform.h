#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/augment/image_operation.h"
#include "saccade/image/warp.h"
#include "saccade/tensor/shape.h"

namespace saccade {

/// Whose pixels to reproduce. The arguments are the same; the versions of Keras differ in what they do with them.
enum class Compat : std::uint8_t {
  documented,  ///< As Keras's documentation says: width is horizontal, and pictures turn about their true centre.
  keras200,    ///< Keras 2.0.0 (2017): nearest pixels, shear in radians, a centre one pixel too low and too far right.
  kp112,   ///< keras-preprocessing 1.1.2, TensorFlow up to 2.8: that centre, bilinear; brightness stretches contrast.
  keras3,  ///< Keras 2.9 to 3: the axes of the map are swapped, so height_shift_range moves pictures sideways.
};
inline constexpr std::array kCompats{Compat::documented, Compat::keras200, Compat::kp112, Compat::keras3};

std::string_view name_of(Compat compat) noexcept;  ///< "kp112"
/// The mode of that name. Throws ValueError listing the names.
Compat compat_named(std::string_view name);

/// A part of a picture that random erasing overwrites, in pixels.
struct ErasedBox {
  Index top = 0, left = 0, height = 0, width = 0;
  float value = 0.0F;

  friend bool operator==(const ErasedBox&, const ErasedBox&) = default;
};

/// What happens to one picture: everything random about it, drawn beforehand. Equal transforms give equal pixels, so an image
/// and its mask can share one. The members are Keras's, those from contrast on ours.
struct ImageTransform {
  double theta = 0.0;  ///< Degrees; positive turns clockwise (counter-clockwise for Compat::keras3).
  double tx = 0.0;     ///< Pixels along the rows' axis; positive moves the content up (left for Compat::keras3).
  double ty = 0.0;     ///< Pixels along the columns' axis; positive moves the content left (up for Compat::keras3).
  double shear = 0.0;  ///< Degrees (radians for Compat::keras200).
  double zx = 1.0;     ///< Below 1 magnifies vertically (horizontally for Compat::keras3).
  double zy = 1.0;     ///< Below 1 magnifies along the other axis.
  bool flip_horizontal = false;
  bool flip_vertical = false;
  std::vector<double> channel_shift = {};       ///< None, one for all channels, or one a channel (Compat::keras200).
  std::optional<double> brightness = {};        ///< A factor.
  std::optional<double> contrast = {};          ///< A factor about the picture's mean grey.
  std::optional<double> saturation = {};        ///< A factor about each pixel's grey; pictures with colour only.
  double hue = 0.0;                             ///< Turns of the colour circle, -1/2 to 1/2; pictures with colour only.
  std::vector<ImageOperation> operations = {};  ///< RandAugment, one after the other.
  std::optional<ErasedBox> erased = {};

  friend bool operator==(const ImageTransform&, const ImageTransform&) = default;
};

/// The same as one line of JSON, what is off left out: {"theta":-10.03679,"flip_horizontal":true}. Numbers have all their
/// digits: reading the text back gives the same transform. The inverse throws FormatError, `where` naming the text's origin.
std::string to_json(const ImageTransform& transform);
ImageTransform image_transform_from_json(std::string_view text, std::string_view where);

/// How apply_transform() fills and samples.
struct ApplyOptions {
  FillMode fill_mode = FillMode::nearest;
  float cval = 0.0F;
  int interpolation_order = 1;
  Compat compat = Compat::documented;
};

/// Where each pixel of the result comes from, in double:
///   C = Off(o0, o1) R T S Z Off(-o0, -o1), a factor that is the identity being left out
///   R = [c -s 0; s c 0; 0 0 1], T = [1 0 tx; 0 1 ty; 0 0 1], S = [1 -sin(shear) 0; 0 cos(shear) 0; 0 0 1], Z = diag(zx, zy, 1)
///   o = extent / 2 - 1/2 (+ 1/2 for keras200 and kp112)
/// For keras3 columns 0 and 1, then rows 0 and 1 of C are swapped. Nothing when no factor is left: pixels stay as they are.
std::optional<AffineMap> affine_map(const ImageTransform& transform, const Shape& hwc, Compat compat);

/// Changes a picture in place, [height, width, channels] in 0..255: affine map, channel shift, flips, brightness, and then
/// contrast, saturation, hue, operations, erasing.
///   channel shift   clip(x + shift, min, max) with the extremes of the picture before it
///   brightness      on whole numbers, as Pillow: trunc(x), times the factor in single precision, trunc, clipped to 0..255; a
///                   picture that leaves 0..255 is stretched to it before and back after. Alpha stays.
///                   (kp112: every picture is stretched to 0..255, and stays so.)
///   contrast        clip(mean + factor (x - mean), 0, 255), mean of all pixels' greys; saturation likewise about grey[pixel]
///                   with grey = .299 R + .587 G + .114 B
///   hue             the H of HSV (A. R. Smith, 1978) plus so many turns, S and V as they are; in floats throughout, as
///                   torchvision does with tensors. (With Pillow's images it rounds H, S and V to 256 steps each.) Grey
///                   pixels stay.
/// The same bits for any thread. Allocates nothing after the first picture of a size. Throws ShapeError and ValueError as
/// warp() does, and ValueError for a channel shift of another count, or brightness under keras200, which has none.
void apply_transform(const ImageTransform& transform, const Shape& hwc, std::span<float> image,
                     const ApplyOptions& options = {});

/// The single steps, in place.
void apply_channel_shift(const Shape& hwc, std::span<float> image, std::span<const double> shift);
void apply_brightness_shift(const Shape& hwc, std::span<float> image, double factor,
                            Compat compat = Compat::documented);

}  // namespace saccade
