#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "saccade/image/image.h"

namespace saccade {

// Drawing on a canvas: an image with 3 channels. Positions are of the top left corner, in pixels, and may lie outside;
// what does not fit on the canvas is cut off. A canvas with other channels is a ShapeError.

/// A canvas of one colour.
Tensor blank_canvas(Index height, Index width, Rgb color);

struct Box {
  Index top = 0;
  Index left = 0;
  Index height = 0;
  Index width = 0;
};
void fill_box(Tensor& canvas, const Box& box, Rgb color);

/// Puts an image on the canvas. Grey becomes colour; alpha is blended: (image * alpha + canvas * (255 - alpha)) / 255.
void paste(Tensor& canvas, const Tensor& image, Index top, Index left);

struct TextOptions {
  Index scale = 2;  ///< Pixels a dot of the 5 x 7 font; at least 1. From 2 on, edges are smoothed.
  Rgb color = {.red = 33, .green = 37, .blue = 41};
};

/// Height of a line of text, tails included, and width of a text on one line. In pixels.
Index text_height(Index scale);
Index text_width(std::string_view text, Index scale);

/// One line of text. Printable ASCII; any other character, a UTF-8 sequence being one, shows as '?'.
void draw_text(Tensor& canvas, std::string_view text, Index top, Index left, const TextOptions& options = {});

/// One picture of a contact sheet, with up to two lines below it.
struct SheetCell {
  Tensor image = {};                                 ///< Any image.
  std::array<std::string, 2> captions = {};          ///< e.g. "9 -> 4" and "98 %"; cut with "..." where the cell ends.
  Rgb color = {.red = 33, .green = 37, .blue = 41};  ///< Of the first caption; red for mistakes, say.
};

struct SheetOptions {
  std::string title = {};  ///< Above the pictures; none when empty.
  Index columns = 0;       ///< Pictures a row; 0 chooses a sheet that is a little wider than high.
  Index min_side = 84;     ///< Smaller pictures are magnified a whole number of times until their longer side is this.
  Index max_side = 224;  ///< Larger pictures are shrunk (bilinear) until their longer side is this. At least min_side.
  Index text_scale = 2;
  Index gap = 14;  ///< Between cells and around the sheet.
};

/// All pictures on one RGB image, row by row, in the order given. Throws ValueError when there are no cells or an option
/// is out of its domain.
Tensor contact_sheet(std::span<const SheetCell> cells, const SheetOptions& options = {});

}  // namespace saccade
