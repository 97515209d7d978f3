#include "saccade/image/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/image/color.h"
#include "saccade/image/font_internal.h"

namespace saccade {
namespace {

ImageSize canvas_size(const Tensor& canvas, std::string_view where) {
  const ImageSize size = image_size(canvas, where);
  if (size.channels != 3) {
    throw ShapeError({.where = std::string(where),
                      .expected = "a canvas of 3 channels",
                      .got = canvas.shape().to_string(),
                      .fix = "convert it to RGB with convert_color"});
  }
  return size;
}

/// The part of a box that lies on the canvas.
Box clipped(const Box& box, const ImageSize& canvas) {
  const Index top = std::clamp<Index>(box.top, 0, canvas.height);
  const Index left = std::clamp<Index>(box.left, 0, canvas.width);
  const Index bottom = std::clamp<Index>(box.top + box.height, top, canvas.height);
  const Index right = std::clamp<Index>(box.left + box.width, left, canvas.width);
  return {.top = top, .left = left, .height = bottom - top, .width = right - left};
}

/// over * weight / 255 + under * (255 - weight) / 255, rounded.
std::uint8_t blend(std::uint8_t under, std::uint8_t over, Index weight) {
  return static_cast<std::uint8_t>((over * weight + under * (255 - weight) + 127) / 255);
}

void blend_pixel(std::uint8_t* under, Rgb over, Index weight) {
  under[0] = blend(under[0], over.red, weight);
  under[1] = blend(under[1], over.green, weight);
  under[2] = blend(under[2], over.blue, weight);
}

/// A glyph as dots, which can be redrawn with twice as many.
struct Dots {
  Index height;
  Index width;
  std::vector<char> on;

  bool at(Index row, Index column) const {
    if (row < 0 || column < 0 || row >= height || column >= width) return false;
    return on[usize(row * width + column)] != 0;
  }

  /// Every dot becomes four, of which each takes the value of the two neighbours it touches where they agree on
  /// another: staircases turn into slopes (A. Mazzoleni, Scale2x, 2001). Right angles stay, unlike there, or a D would
  /// look like an O.
  Dots doubled() const {
    Dots result{.height = height * 2, .width = width * 2, .on = {}};
    for (Index i = 0; i < result.height * result.width; ++i) {
      const Index row = i / result.width / 2;
      const Index column = i % result.width / 2;
      const Index outward_row = i / result.width % 2 == 0 ? -1 : 1;
      const Index outward_column = i % result.width % 2 == 0 ? -1 : 1;
      const bool here = at(row, column);
      const bool vertical = at(row + outward_row, column);
      const bool horizontal = at(row, column + outward_column);
      const bool opposed = vertical != at(row - outward_row, column) && horizontal != at(row, column - outward_column);
      const bool staircase =
          here ? at(row + outward_row, column - outward_column) || at(row - outward_row, column + outward_column)
               : !at(row + outward_row, column + outward_column);
      result.on.push_back(vertical == horizontal && opposed && staircase ? vertical : here);
    }
    return result;
  }
};

/// The glyph's drawn columns at a scale, as coverage 0..255 of each pixel.
struct Glyph {
  Index height;
  Index width;
  std::vector<std::uint8_t> coverage;
};

Glyph render_glyph(char character, Index scale) {
  const font::Extent extent = font::extent_of(character);
  Dots dots{.height = font::kHeight, .width = extent.width, .on = {}};
  for (Index row = 0; row < dots.height; ++row) {
    for (Index column = 0; column < dots.width; ++column) {
      dots.on.push_back(font::has_dot(character, row, extent.first + column));
    }
  }
  Glyph glyph{.height = dots.height * scale, .width = dots.width * scale, .coverage = {}};
  Index fineness = 1;  // Dots of `dots` a dot of the font.
  if (scale > 1) {
    dots = dots.doubled().doubled();
    fineness = 4;
  }
  constexpr Index kSamples = 4;  // A side of each pixel.
  for (Index y = 0; y < glyph.height; ++y) {
    for (Index x = 0; x < glyph.width; ++x) {
      Index hits = 0;
      for (Index i = 0; i < kSamples * kSamples; ++i) {
        const Index row = (y * kSamples + i / kSamples) * fineness / (scale * kSamples);
        const Index column = (x * kSamples + i % kSamples) * fineness / (scale * kSamples);
        hits += dots.at(row, column) ? 1 : 0;
      }
      glyph.coverage.push_back(static_cast<std::uint8_t>(hits * 255 / (kSamples * kSamples)));
    }
  }
  return glyph;
}

/// Calls use(character) for each character of a UTF-8 text, anything but printable ASCII as '?'.
template <class Use>
void each_character(std::string_view text, Use use) {
  for (const char byte : text) {
    const bool continues_character = (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
    if (!continues_character) use(byte >= ' ' && byte <= '~' ? byte : '?');
  }
}

}  // namespace

Tensor blank_canvas(Index height, Index width, Rgb color) {
  Tensor canvas({height, width, 3}, DType::uint8);
  fill_box(canvas, {.top = 0, .left = 0, .height = height, .width = width}, color);
  return canvas;
}

void fill_box(Tensor& canvas, const Box& box, Rgb color) {
  const ImageSize size = canvas_size(canvas, "fill_box");
  const Box part = clipped(box, size);
  for (Index y = 0; y < part.height; ++y) {
    std::uint8_t* pixel = canvas.uint8s().data() + ((part.top + y) * size.width + part.left) * 3;
    for (Index x = 0; x < part.width; ++x, pixel += 3) blend_pixel(pixel, color, 255);
  }
}

void paste(Tensor& canvas, const Tensor& image, Index top, Index left) {
  const ImageSize size = canvas_size(canvas, "paste");
  const Tensor colors = convert_color(image, ColorMode::rgb);
  const ImageSize source = image_size(image, "paste");
  const Box part = clipped({.top = top, .left = left, .height = source.height, .width = source.width}, size);
  const std::span<const std::uint8_t> values = image.uint8s();
  for (Index y = 0; y < part.height; ++y) {
    for (Index x = 0; x < part.width; ++x) {
      const Index from = (part.top - top + y) * source.width + part.left - left + x;
      const std::uint8_t* color = colors.uint8s().data() + from * 3;
      std::uint8_t* under = canvas.uint8s().data() + ((part.top + y) * size.width + part.left + x) * 3;
      const Index alpha = source.channels == 4 ? values[usize(from * 4 + 3)] : 255;
      blend_pixel(under, {.red = color[0], .green = color[1], .blue = color[2]}, alpha);
    }
  }
}

Index text_height(Index scale) { return font::kHeight * scale; }

Index text_width(std::string_view text, Index scale) {
  Index dots = 0;
  each_character(text, [&](char character) { dots += font::extent_of(character).width + 1; });
  return std::max<Index>(dots - 1, 0) * scale;
}

void draw_text(Tensor& canvas, std::string_view text, Index top, Index left, const TextOptions& options) {
  const ImageSize size = canvas_size(canvas, "draw_text");
  if (options.scale < 1) {
    throw ValueError({.where = "draw_text",
                      .expected = "a scale of at least 1",
                      .got = fmt::format("{}", options.scale),
                      .fix = "use 2 for captions"});
  }
  each_character(text, [&](char character) {
    const Glyph glyph = render_glyph(character, options.scale);
    const Box part = clipped({.top = top, .left = left, .height = glyph.height, .width = glyph.width}, size);
    for (Index y = 0; y < part.height; ++y) {
      for (Index x = 0; x < part.width; ++x) {
        std::uint8_t* under = canvas.uint8s().data() + ((part.top + y) * size.width + part.left + x) * 3;
        const Index from = (part.top - top + y) * glyph.width + part.left - left + x;
        blend_pixel(under, options.color, glyph.coverage[usize(from)]);
      }
    }
    left += glyph.width + options.scale;
  });
}

}  // namespace saccade
