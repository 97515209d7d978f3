#include "saccade/image/draw.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "saccade/image/font_internal.h"
#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::image_of;
using test::pixels_of;
using test::text_of;

constexpr Rgb kBlack{};
constexpr Rgb kWhite{.red = 255, .green = 255, .blue = 255};

/// The first channel as a picture of dots: '#' below 64, '+' below 192, '.' above.
std::vector<std::string> seen(const Tensor& canvas) {
  std::vector<std::string> rows;
  for (Index y = 0; y < canvas.shape()[0]; ++y) {
    rows.emplace_back();
    for (Index x = 0; x < canvas.shape()[1]; ++x) {
      const std::uint8_t value = canvas.uint8s()[usize((y * canvas.shape()[1] + x) * 3)];
      rows.back() += value < 64 ? '#' : value < 192 ? '+' : '.';
    }
  }
  return rows;
}

Tensor text_on_white(std::string_view text, Index scale) {
  Tensor canvas = blank_canvas(text_height(scale), std::max<Index>(text_width(text, scale), 1), kWhite);
  draw_text(canvas, text, 0, 0, {.scale = scale, .color = kBlack});
  return canvas;
}

TEST(Font, HasADistinctGlyphForEveryCharacter) {
  std::vector<std::vector<bool>> glyphs;
  for (char character = ' '; character <= '~'; ++character) {
    std::vector<bool> dots;
    for (Index i = 0; i < font::kHeight * font::kWidth; ++i) {
      dots.push_back(font::has_dot(character, i / font::kWidth, i % font::kWidth));
    }
    const bool blank = std::ranges::none_of(dots, [](bool dot) { return dot; });
    EXPECT_EQ(blank, character == ' ') << character;
    EXPECT_EQ(std::ranges::count(glyphs, dots), 0) << character;
    glyphs.push_back(dots);
  }
}

TEST(DrawText, DrawsTheGlyphs) {
  EXPECT_EQ(seen(text_on_white("L4", 1)), (std::vector<std::string>{
                                              "#........#.",
                                              "#.......##.",
                                              "#......#.#.",
                                              "#.....#..#.",
                                              "#.....#####",
                                              "#........#.",
                                              "#####....#.",
                                              "...........",
                                              "...........",
                                          }));
}

TEST(DrawText, NarrowLettersTakeLessRoomAndDigitsLineUp) {
  EXPECT_EQ(text_width("i", 1), 3);
  EXPECT_EQ(text_width("!", 1), 1);
  EXPECT_EQ(text_width("111", 1), text_width("888", 1));
  EXPECT_EQ(text_width("", 3), 0);
  EXPECT_EQ(text_width("88", 3), 33);
  EXPECT_EQ(text_height(3), 27);
}

TEST(DrawText, MagnifiesAndSmoothsOnlySlopes) {
  const std::vector<std::string> straight = seen(text_on_white("L", 2));
  const std::vector<std::string> once = seen(text_on_white("L", 1));
  for (std::size_t y = 0; y < straight.size(); ++y) {
    for (std::size_t x = 0; x < straight[y].size(); ++x) EXPECT_EQ(straight[y][x], once[y / 2][x / 2]);
  }
  const std::vector<std::string> slope = seen(text_on_white("/", 2));
  EXPECT_TRUE(std::ranges::any_of(slope, [](const std::string& row) { return row.find('+') != std::string::npos; }));
}

TEST(DrawText, ShowsOtherCharactersAsQuestionMarks) {
  EXPECT_EQ(seen(text_on_white("caf\xc3\xa9", 1)), seen(text_on_white("caf?", 1)));
  EXPECT_EQ(seen(text_on_white("\n", 1)), seen(text_on_white("?", 1)));
}

TEST(DrawText, IsCutOffAtTheEdges) {
  const Tensor whole = text_on_white("W", 1);
  for (const Index top : {-20, -3, 0, 3, 20}) {
    for (const Index left : {-20, -2, 0, 2, 20}) {
      Tensor canvas = blank_canvas(5, 4, kWhite);
      draw_text(canvas, "W", top, left, {.scale = 1, .color = kBlack});
      for (Index y = 0; y < 5; ++y) {
        for (Index x = 0; x < 4; ++x) {
          const bool inside = y >= top && x >= left && y < top + 9 && x < left + 5;
          const int wanted = inside ? pixels_of(whole)[usize(((y - top) * 5 + x - left) * 3)] : 255;
          ASSERT_EQ(pixels_of(canvas)[usize((y * 4 + x) * 3)], wanted) << top << ", " << left;
        }
      }
    }
  }
}

TEST(DrawText, NeedsAScaleAndColours) {
  Tensor canvas = blank_canvas(3, 3, kWhite);
  EXPECT_EQ(text_of<ValueError>([&] { draw_text(canvas, "a", 0, 0, {.scale = 0}); }),
            "draw_text: expected a scale of at least 1, got 0; use 2 for captions");
  Tensor grey = test::noise(3, 3, 1);
  EXPECT_EQ(text_of<ShapeError>([&] { draw_text(grey, "a", 0, 0); }),
            "draw_text: expected a canvas of 3 channels, got [3, 3, 1]; convert it to RGB with convert_color");
}

TEST(FillBox, FillsWhatLiesOnTheCanvas) {
  Tensor canvas = blank_canvas(3, 3, kWhite);
  fill_box(canvas, {.top = -1, .left = 1, .height = 3, .width = 9}, {.red = 1, .green = 2, .blue = 3});
  EXPECT_EQ(seen(canvas), (std::vector<std::string>{".##", ".##", "..."}));
  const std::vector<int> pixels = pixels_of(canvas);
  EXPECT_EQ((std::vector<int>{pixels.begin() + 3, pixels.begin() + 6}), (std::vector{1, 2, 3}));
}

TEST(Paste, BlendsAlphaAndSpreadsGrey) {
  Tensor canvas = blank_canvas(1, 4, {.red = 100, .green = 100, .blue = 100});
  paste(canvas, image_of({1, 3, 4}, {255, 0, 50, 0, 255, 0, 50, 255, 200, 0, 100, 51}), 0, 0);
  paste(canvas, image_of({1, 1, 1}, {7}), 0, 3);
  EXPECT_EQ(pixels_of(canvas), (std::vector{100, 100, 100, 255, 0, 50, 120, 80, 100, 7, 7, 7}));
}

TEST(Paste, IsCutOffAtTheEdges) {
  Tensor canvas = blank_canvas(2, 2, kWhite);
  paste(canvas, image_of({2, 2, 1}, {1, 2, 3, 4}), -1, 1);
  EXPECT_EQ(pixels_of(canvas), (std::vector{255, 255, 255, 3, 3, 3, 255, 255, 255, 255, 255, 255}));
  paste(canvas, test::noise(2, 2, 3), 5, -7);
  EXPECT_EQ(pixels_of(canvas)[0], 255);
}

TEST(ContactSheet, MagnifiesSmallPicturesAWholeNumberOfTimes) {
  const std::vector<SheetCell> cells = {{.image = test::noise(28, 28, 1)}};
  const Tensor sheet = contact_sheet(cells, {.gap = 10});
  // 3 x 28, padding of 8 and the gap on each side.
  EXPECT_EQ(sheet.shape(), Shape({84 + 36, 84 + 36, 3}));
  for (Index y = 0; y < 84; ++y) {
    for (Index x = 0; x < 84; ++x) {
      const int wanted = pixels_of(cells[0].image)[usize(y / 3 * 28 + x / 3)];
      ASSERT_EQ(int{sheet.uint8s()[usize(((y + 18) * 120 + x + 18) * 3)]}, wanted) << y << ", " << x;
    }
  }
}

TEST(ContactSheet, ShrinksLargePicturesInProportion) {
  const std::vector<SheetCell> cells = {{.image = test::noise(300, 600, 3)}};
  EXPECT_EQ(contact_sheet(cells, {.gap = 0}).shape(), Shape({112 + 16, 224 + 16, 3}));
}

TEST(ContactSheet, FillsRowsInOrder) {
  std::vector<SheetCell> cells;
  for (int i = 0; i < 5; ++i) cells.push_back({.image = image_of({1, 1, 1}, {10 * i})});
  const SheetOptions options{.columns = 3, .min_side = 10, .gap = 4};
  const Tensor sheet = contact_sheet(cells, options);
  constexpr Index kStep = 10 + 16 + 4;
  EXPECT_EQ(sheet.shape(), Shape({2 * kStep + 4, 3 * kStep + 4, 3}));
  for (Index i = 0; i < 5; ++i) {
    const Index y = 4 + 8 + i / 3 * kStep;
    const Index x = 4 + 8 + i % 3 * kStep;
    EXPECT_EQ(int{sheet.uint8s()[usize((y * sheet.shape()[1] + x) * 3)]}, 10 * i);
  }
}

TEST(ContactSheet, WritesCaptionsAndTitle) {
  const Tensor picture = test::noise(28, 28, 1);
  const auto sheet = [&](std::string first, std::string second, std::string title) {
    const std::vector<SheetCell> cells = {{.image = picture, .captions = {std::move(first), std::move(second)}}};
    return contact_sheet(cells, {.title = std::move(title)});
  };
  const Index bare = sheet("", "", "").shape()[0];
  const Index one = sheet("9 -> 4", "", "").shape()[0];
  const Index two = sheet("9 -> 4", "98 %", "").shape()[0];
  EXPECT_GE(one, bare + text_height(2));
  EXPECT_GE(two, one + text_height(2));
  EXPECT_EQ(sheet("", "98 %", "").shape()[0], two);
  EXPECT_GE(sheet("", "", "Worst").shape()[0], bare + text_height(2));
  EXPECT_FALSE(test::same(sheet("9 -> 4", "98 %", ""), sheet("9 -> 7", "98 %", "")));
  EXPECT_FALSE(test::same(sheet("9 -> 4", "98 %", ""), sheet("9 -> 4", "99 %", "")));
  EXPECT_FALSE(test::same(sheet("", "", "Worst"), sheet("", "", "Best!")));
}

TEST(ContactSheet, CutsLongCaptions) {
  const std::vector<SheetCell> cells = {{.image = test::noise(28, 28, 1), .captions = {std::string(500, 'w'), ""}}};
  EXPECT_EQ(contact_sheet(cells, {.gap = 0}).shape()[1], 2 * 84 + 16);
}

TEST(ContactSheet, RefusesNothingAndOddOptions) {
  EXPECT_EQ(
      text_of<ValueError>([] { contact_sheet({}); }),
      "contact sheet: expected at least one picture, got none; leave the sheet out when there is nothing to show");
  const std::vector<SheetCell> cells = {{.image = test::noise(2, 2, 1)}};
  EXPECT_EQ(
      text_of<ValueError>([&] { contact_sheet(cells, {.min_side = 300}); }),
      "contact sheet: expected columns >= 0, 1 <= min_side <= max_side, text_scale >= 1 and gap >= 0, got 0, 300 and "
      "224, 2, 14; leave them at their defaults");
}

}  // namespace
}  // namespace saccade
