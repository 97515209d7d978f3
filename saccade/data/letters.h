#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"

namespace saccade::data {

enum class Alphabet : std::uint8_t {
  latin,     ///< A to Z: 26 letters.
  cyrillic,  ///< А to Я with Ё: 33 letters.
};

/// One face of a font file.
struct Font {
  std::filesystem::path path;
  long face = 0;       ///< Its number in the file.
  std::string family;  ///< "DejaVu Sans"
  std::string style;   ///< "Bold Oblique"
};

/// The outline fonts in a folder and below (.ttf, .otf, .ttc, .pfb) that have every letter of both alphabets, capital and
/// small; by family, style and path. Files that are no fonts are left out. Throws SystemError when there is no such folder.
std::vector<Font> find_fonts(const std::filesystem::path& folder);

struct FontSplit {
  std::vector<Font> train, test;
};
/// Holds every fourth family out, whole, so that a test meets letters of shapes that training has not seen. Throws ValueError
/// for less than two families.
FontSplit split_fonts(std::span<const Font> fonts);

struct LettersOptions {
  Alphabet alphabet = Alphabet::latin;
  Index per_class = 100;  ///< Images of each letter.
  Index size = 32;        ///< Height and width of an image, 16 to 256.
  std::uint64_t seed = 0;
  std::string name = "letters";
};

/// Typed letters: [size, size, 3] uint8, in two colours with enough between them, a class a letter (capital or small). Font,
/// case, height (0.55 to 0.8 of the image), angle (up to 12 degrees), slant, place and colours of image i are drawn from
/// Stream(seed, 0, i): the first images of each letter are the same whatever per_class is. In the order A B C ... A B C ...
/// Throws ValueError for no fonts or an option outside its domain, FormatError for a font that cannot be drawn.
DatasetPtr letters(std::span<const Font> fonts, const LettersOptions& options = {});

}  // namespace saccade::data
