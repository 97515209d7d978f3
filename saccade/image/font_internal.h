#pragma once
#include "saccade/base/integer.h"

namespace saccade::font {

// A bitmap font of the printable ASCII characters: glyphs of 5 x 7 dots with two more rows for tails (g, p, y).
inline constexpr Index kWidth = 5;
inline constexpr Index kHeight = 9;
inline constexpr Index kBaseline = 7;  ///< Rows above the line that letters stand on.

/// The columns of a glyph that are drawn, so that narrow letters take less room. Digits keep all five, to line up.
struct Extent {
  Index first = 0;
  Index width = kWidth;
};
Extent extent_of(char character) noexcept;

/// Whether the glyph has a dot there, 0 <= row < kHeight, 0 <= column < kWidth. Other characters look like '?'.
bool has_dot(char character, Index row, Index column) noexcept;

}  // namespace saccade::font
