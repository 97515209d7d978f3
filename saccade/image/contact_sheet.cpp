#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/image/draw.h"
#include "saccade/image/resize.h"

namespace saccade {
namespace {

constexpr Rgb kPaper{.red = 241, .green = 243, .blue = 245};
constexpr Rgb kCard{.red = 255, .green = 255, .blue = 255};
constexpr Rgb kCardEdge{.red = 214, .green = 219, .blue = 224};
constexpr Rgb kInk{.red = 33, .green = 37, .blue = 41};
constexpr Rgb kFaintInk{.red = 108, .green = 117, .blue = 125};

constexpr Index kPadding = 8;      // Between a card's edge and its picture.
constexpr Index kLineSpacing = 4;  // Between lines of text.

void check(std::span<const SheetCell> cells, const SheetOptions& options) {
  if (cells.empty()) {
    throw ValueError({.where = "contact sheet",
                      .expected = "at least one picture",
                      .got = "none",
                      .fix = "leave the sheet out when there is nothing to show"});
  }
  const bool fits = options.columns >= 0 && options.min_side >= 1 && options.max_side >= options.min_side &&
                    options.text_scale >= 1 && options.gap >= 0;
  if (!fits) {
    throw ValueError({.where = "contact sheet",
                      .expected = "columns >= 0, 1 <= min_side <= max_side, text_scale >= 1 and gap >= 0",
                      .got = fmt::format("{}, {} and {}, {}, {}", options.columns, options.min_side, options.max_side,
                                         options.text_scale, options.gap),
                      .fix = "leave them at their defaults"});
  }
}

/// The picture at the size it is shown.
Tensor fitted(const Tensor& image, const SheetOptions& options) {
  const ImageSize size = image_size(image, "contact sheet");
  const Index side = std::max(size.height, size.width);
  if (side < options.min_side) {
    const Index times = ceil_divide(options.min_side, side);
    return resize(image, {.height = size.height * times, .width = size.width * times});
  }
  if (side > options.max_side) {
    const auto shrunk = [&](Index length) { return std::max<Index>(1, (length * options.max_side + side / 2) / side); };
    return resize(
        image, {.height = shrunk(size.height), .width = shrunk(size.width), .interpolation = Interpolation::bilinear});
  }
  return image;
}

/// The text, or as much of it as fits with "..." behind.
std::string shortened(const std::string& text, Index width, Index scale) {
  if (text_width(text, scale) <= width) return text;
  std::string kept = text;
  while (!kept.empty() && text_width(kept + "...", scale) > width) kept.pop_back();
  return kept + "...";
}

/// Where everything goes; the same for every cell.
struct Layout {
  Index columns = 1;
  Index rows = 1;
  Index picture_height = 0;  ///< Of the highest.
  Index text_width = 0;
  Index lines = 0;
  Index card_height = 0;
  Index card_width = 0;
  Index title_height = 0;
  Index height = 0;
  Index width = 0;
};

Layout lay_out(std::span<const SheetCell> cells, std::span<const Tensor> pictures, const SheetOptions& options) {
  Layout layout;
  Index picture_width = 0;
  Index widest_caption = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    layout.picture_height = std::max(layout.picture_height, pictures[i].shape()[0]);
    picture_width = std::max(picture_width, pictures[i].shape()[1]);
    for (Index line = 0; line < 2; ++line) {
      const std::string& caption = cells[i].captions[usize(line)];
      if (caption.empty()) continue;
      layout.lines = std::max(layout.lines, line + 1);
      widest_caption = std::max(widest_caption, text_width(caption, options.text_scale));
    }
  }
  // Long captions may widen the cards, but not beyond twice their pictures.
  layout.text_width = std::clamp(widest_caption, picture_width, picture_width * 2);
  layout.card_width = layout.text_width + 2 * kPadding;
  layout.card_height = layout.picture_height + 2 * kPadding;
  if (layout.lines > 0) {
    layout.card_height += kPadding + layout.lines * (text_height(options.text_scale) + kLineSpacing) - kLineSpacing;
  }
  const Index count = isize(cells.size());
  layout.columns = options.columns;
  if (layout.columns == 0) {
    constexpr double kShape = 1.4;  // Width to height of a screen's page, roughly.
    const double squares =
        std::sqrt(kShape * static_cast<double>(count * layout.card_height) / static_cast<double>(layout.card_width));
    layout.columns = std::max<Index>(1, std::llround(squares));
  }
  layout.columns = std::min(layout.columns, count);
  layout.rows = ceil_divide(count, layout.columns);
  layout.title_height = options.title.empty() ? 0 : text_height(options.text_scale) + options.gap;
  layout.width = layout.columns * (layout.card_width + options.gap) + options.gap;
  layout.height = layout.rows * (layout.card_height + options.gap) + options.gap + layout.title_height;
  return layout;
}

void draw_card(Tensor& sheet, const SheetCell& cell, const Tensor& picture, const Layout& layout, Index top, Index left,
               Index text_scale) {
  const Box card{.top = top, .left = left, .height = layout.card_height, .width = layout.card_width};
  fill_box(sheet, card, kCardEdge);
  fill_box(sheet, {.top = top + 1, .left = left + 1, .height = card.height - 2, .width = card.width - 2}, kCard);
  const Index picture_top = top + kPadding + (layout.picture_height - picture.shape()[0]) / 2;
  paste(sheet, picture, picture_top, left + (card.width - picture.shape()[1]) / 2);
  Index line_top = top + 2 * kPadding + layout.picture_height;
  for (std::size_t line = 0; line < cell.captions.size(); ++line) {
    const std::string text = shortened(cell.captions[line], layout.text_width, text_scale);
    draw_text(sheet, text, line_top, left + (card.width - text_width(text, text_scale)) / 2,
              {.scale = text_scale, .color = line == 0 ? cell.color : kFaintInk});
    line_top += text_height(text_scale) + kLineSpacing;
  }
}

}  // namespace

Tensor contact_sheet(std::span<const SheetCell> cells, const SheetOptions& options) {
  check(cells, options);
  std::vector<Tensor> pictures;
  pictures.reserve(cells.size());
  for (const SheetCell& cell : cells) pictures.push_back(fitted(cell.image, options));
  const Layout layout = lay_out(cells, pictures, options);
  Tensor sheet = blank_canvas(layout.height, layout.width, kPaper);
  const std::string title = shortened(options.title, layout.width - 2 * options.gap, options.text_scale);
  draw_text(sheet, title, options.gap, options.gap, {.scale = options.text_scale, .color = kInk});
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Index row = isize(i) / layout.columns;
    const Index column = isize(i) % layout.columns;
    draw_card(sheet, cells[i], pictures[i], layout,
              options.gap + layout.title_height + row * (layout.card_height + options.gap),
              options.gap + column * (layout.card_width + options.gap), options.text_scale);
  }
  return sheet;
}

}  // namespace saccade
