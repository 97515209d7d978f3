#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "saccade/image/image.h"

namespace saccade {

/// How pixels between the pixels are found; Keras's `interpolation`. All but `nearest` widen with the scale when
/// shrinking, so that every source pixel counts and fine patterns do not alias.
enum class Interpolation : std::uint8_t {
  nearest,   ///< The pixel whose area holds the centre; never mixes colours, for masks and labels.
  box,       ///< Mean of the pixels covered. Support 0.5.
  bilinear,  ///< Triangle. Support 1.
  hamming,   ///< Hamming-windowed sinc; sharper than bilinear at the same cost. Support 1.
  bicubic,   ///< Keys's cubic with a = -0.5. Support 2.
  lanczos,   ///< sinc(x) sinc(x/3). Support 3.
};
inline constexpr std::array kInterpolations{Interpolation::nearest, Interpolation::box,     Interpolation::bilinear,
                                            Interpolation::hamming, Interpolation::bicubic, Interpolation::lanczos};

std::string_view name_of(Interpolation interpolation) noexcept;  ///< "bilinear"
/// The interpolation of that name. Throws ValueError listing the names.
Interpolation interpolation_named(std::string_view name);

struct ResizeOptions {
  Index height = 0;  ///< Of the result, in pixels; at least 1.
  Index width = 0;   ///< Of the result, in pixels; at least 1.
  Interpolation interpolation = Interpolation::nearest;
};

/// The image scaled to options.height x options.width, bit for bit as Pillow's Image.resize.
///   nearest  source index = trunc(a), a = scale/2, then repeatedly a += scale, scale = in/out, in double
///   others   y[o] = clip((2^21 + sum_x w[o,x] x[x]) >> 22), first along rows, then along columns, uint8 between; with
///            s = in/out, t = max(s, 1), c = (o + 0.5) s, S = support t, x from trunc(c - S + 0.5) up to but without
///            trunc(c + S + 0.5) inside the image, w = filter((x - c + 0.5) / t), scaled to sum 1 and rounded to 22 bits
/// An axis whose length does not change is left alone. Colours with alpha are premultiplied before and divided after, so
/// that invisible pixels do not bleed. Results do not depend on the number of threads. Throws ValueError for a size
/// below 1. Source: Pillow 9.4, src/libImaging/Resample.c and Geometry.c.
Tensor resize(const Tensor& image, const ResizeOptions& options);

/// Part of an image.
struct Crop {
  Index top = 0, left = 0, height = 0, width = 0;

  friend bool operator==(const Crop&, const Crop&) = default;
};

/// The largest part about the middle that has the target's proportions; Keras's keep_aspect_ratio:
///   width = min(w, h * tw div th), height = min(h, w * th div tw), top and left half of what is over, rounded down
/// At least a pixel. Throws ValueError for a side below 1.
Crop centered_crop(Index height, Index width, Index target_height, Index target_width);

/// That part of an image. Throws ValueError unless it lies inside and has a pixel.
Tensor crop(const Tensor& image, const Crop& part);

}  // namespace saccade
