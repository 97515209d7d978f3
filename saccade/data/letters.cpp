#include "saccade/data/letters.h"

#include <fmt/format.h>
#include <ft2build.h>

#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <set>
#include <system_error>
#include <tuple>

#include "saccade/base/error.h"
#include "saccade/base/random.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

/// Capital and small form of a letter.
using Forms = std::array<char32_t, 2>;

std::vector<Forms> forms_of(Alphabet alphabet) {
  std::vector<Forms> forms;
  if (alphabet == Alphabet::latin) {
    for (char32_t i = 0; i < 26; ++i) forms.push_back({U'A' + i, U'a' + i});
    return forms;
  }
  for (char32_t i = 0; i < 32; ++i) {
    forms.push_back({U'\u0410' + i, U'\u0430' + i});
    if (i == 5) forms.push_back({U'\u0401', U'\u0451'});  // Ё, behind Е
  }
  return forms;
}

std::string utf8(char32_t letter) {
  if (letter < 0x80) return {static_cast<char>(letter)};
  return {static_cast<char>(0xC0U | (letter >> 6U)), static_cast<char>(0x80U | (letter & 0x3FU))};
}

struct LibraryDeleter {
  void operator()(FT_Library library) const { FT_Done_FreeType(library); }
};
struct FaceDeleter {
  void operator()(FT_Face face) const { FT_Done_Face(face); }
};
using Library = std::unique_ptr<std::remove_pointer_t<FT_Library>, LibraryDeleter>;
using Face = std::unique_ptr<std::remove_pointer_t<FT_Face>, FaceDeleter>;

Library open_library() {
  FT_Library library = nullptr;
  if (FT_Init_FreeType(&library) != 0) throw std::bad_alloc();
  return Library(library);
}

/// Null for what is no font.
Face open_face(const Library& library, const fs::path& path, long number) {
  FT_Face face = nullptr;
  return FT_New_Face(library.get(), path.c_str(), number, &face) == 0 ? Face(face) : nullptr;
}

bool has_all_letters(const Face& face) {
  if (!FT_IS_SCALABLE(face.get()) || FT_Select_Charmap(face.get(), FT_ENCODING_UNICODE) != 0) return false;
  for (const Alphabet alphabet : {Alphabet::latin, Alphabet::cyrillic}) {
    for (const Forms& forms : forms_of(alphabet)) {
      for (const char32_t form : forms) {
        if (FT_Get_Char_Index(face.get(), form) == 0) return false;
      }
    }
  }
  return true;
}

bool may_be_font(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".ttf" || extension == ".otf" || extension == ".ttc" || extension == ".pfb";
}

/// How much ink there is in each pixel, 0 to 255.
struct Coverage {
  Index height = 0, width = 0;
  std::vector<std::uint8_t> ink;
};

/// What is drawn of one image.
struct Drawing {
  std::size_t font = 0;
  char32_t letter = 0;
  double pixels = 0.0;  ///< Height of the font.
  double angle = 0.0;   ///< Radians, counter-clockwise.
  double slant = 0.0;   ///< x += slant * y
};

[[noreturn]] void fail(const Font& font, const std::string& expected) {
  throw FormatError(
      {.where = font.path.string(), .expected = expected, .got = "an error of FreeType", .fix = "leave this font out"});
}

Coverage draw(const Face& face, const Font& font, const Drawing& drawing) {
  FT_Face f = face.get();
  if (FT_Set_Char_Size(f, 0, static_cast<FT_F26Dot6>(std::lround(drawing.pixels * 64.0)), 72, 72) != 0) {
    fail(font, "a font of any size");
  }
  if (FT_Load_Char(f, drawing.letter, FT_LOAD_NO_BITMAP | FT_LOAD_NO_HINTING) != 0) fail(font, "a readable letter");
  const double cosine = std::cos(drawing.angle), sine = std::sin(drawing.angle);
  const auto fixed = [](double value) { return static_cast<FT_Fixed>(std::lround(value * 65536.0)); };
  const FT_Matrix matrix{.xx = fixed(cosine),
                         .xy = fixed(cosine * drawing.slant - sine),
                         .yx = fixed(sine),
                         .yy = fixed(sine * drawing.slant + cosine)};
  FT_Outline_Transform(&f->glyph->outline, &matrix);
  if (FT_Render_Glyph(f->glyph, FT_RENDER_MODE_NORMAL) != 0) fail(font, "a letter that can be drawn");
  const FT_Bitmap& bitmap = f->glyph->bitmap;
  Coverage coverage{.height = bitmap.rows, .width = bitmap.width, .ink = {}};
  for (Index y = 0; y < coverage.height; ++y) {
    const unsigned char* row = bitmap.buffer + y * bitmap.pitch;
    coverage.ink.insert(coverage.ink.end(), row, row + coverage.width);
  }
  return coverage;
}

using Color = std::array<double, 3>;

double luma(const Color& color) { return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]; }

/// Ink and paper, of which one is at least 80 levels lighter.
std::array<Color, 2> draw_colors(Stream& stream) {
  for (;;) {
    std::array<Color, 2> colors{};
    for (Color& color : colors) {
      for (double& level : color) level = stream.uniform(0.0, 255.0);
    }
    if (std::abs(luma(colors[0]) - luma(colors[1])) >= 80.0) return colors;
  }
}

/// Puts the letter's middle `down` and `right` of the image's, and mixes ink into paper.
void compose(const Coverage& letter, const std::array<Color, 2>& colors, Index size, Index down, Index right,
             std::span<std::uint8_t> image) {
  const Index top = (size - letter.height) / 2 + down, left = (size - letter.width) / 2 + right;
  for (Index y = 0; y < size; ++y) {
    for (Index x = 0; x < size; ++x) {
      const Index row = y - top, column = x - left;
      const bool inside = row >= 0 && row < letter.height && column >= 0 && column < letter.width;
      const double ink = inside ? letter.ink[usize(row * letter.width + column)] / 255.0 : 0.0;
      for (std::size_t c = 0; c < 3; ++c) {
        const double level = ink * colors[0][c] + (1.0 - ink) * colors[1][c];
        image[usize((y * size + x) * 3) + c] = static_cast<std::uint8_t>(std::lround(level));
      }
    }
  }
}

void check(std::span<const Font> fonts, const LettersOptions& options) {
  const auto require = [](bool holds, const char* option, const char* expected, const std::string& got,
                          const char* fix) {
    if (!holds) {
      throw ValueError({.where = fmt::format("letters: {}", option), .expected = expected, .got = got, .fix = fix});
    }
  };
  require(!fonts.empty(), "fonts", "at least one", "none", "install e.g. Debian's fonts-dejavu-core");
  require(options.size >= 16 && options.size <= 256, "size", "16 to 256 pixels", std::to_string(options.size),
          "32 shows every letter");
  require(options.per_class >= 1 && options.per_class <= 100000, "per_class", "1 to 100000",
          std::to_string(options.per_class), "100 make a small data set");
}

}  // namespace

std::vector<Font> find_fonts(const fs::path& folder) {
  std::error_code error;
  const Library library = open_library();
  std::vector<Font> fonts;
  fs::recursive_directory_iterator files(folder, fs::directory_options::skip_permission_denied, error);
  if (error) {
    throw SystemError({.where = folder.string(),
                       .expected = "a folder with fonts",
                       .got = error.message(),
                       .fix = "on Debian: apt-get install fonts-dejavu-core"});
  }
  for (; files != fs::recursive_directory_iterator(); files.increment(error)) {
    if (error) break;
    if (!may_be_font(files->path()) || !files->is_regular_file(error)) continue;
    constexpr long kMostFaces = 64;
    long faces = 1;
    for (long number = 0; number < std::min(faces, kMostFaces); ++number) {
      const Face face = open_face(library, files->path(), number);
      if (!face) break;
      faces = face->num_faces;
      if (!has_all_letters(face)) continue;
      const auto text = [](const char* name) { return std::string(name == nullptr ? "" : name); };
      fonts.push_back({files->path(), number, text(face->family_name), text(face->style_name)});
    }
  }
  std::ranges::sort(fonts, {},
                    [](const Font& font) { return std::tie(font.family, font.style, font.path, font.face); });
  return fonts;
}

FontSplit split_fonts(std::span<const Font> fonts) {
  std::set<std::string> families;
  for (const Font& font : fonts) families.insert(font.family);
  if (families.size() < 2) {
    throw ValueError({.where = "letters: fonts",
                      .expected = "at least two families, so that one can be held out",
                      .got = std::to_string(families.size()),
                      .fix = "on Debian: apt-get install fonts-dejavu-core fonts-liberation fonts-freefont-ttf"});
  }
  FontSplit split;
  for (const Font& font : fonts) {
    const auto number = std::distance(families.begin(), families.find(font.family));
    (number % 4 == 1 ? split.test : split.train).push_back(font);
  }
  return split;
}

DatasetPtr letters(std::span<const Font> fonts, const LettersOptions& options) {
  check(fonts, options);
  const std::vector<Forms> forms = forms_of(options.alphabet);
  const Index count = options.per_class * isize(forms.size()), size = options.size;
  const Library library = open_library();
  std::vector<Face> faces;
  for (const Font& font : fonts) {
    faces.push_back(open_face(library, font.path, font.face));
    if (!faces.back() || !has_all_letters(faces.back())) fail(font, "a font with all letters");
  }
  Tensor images({count, size, size, 3}, DType::uint8);
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < count; ++i) {
    Stream stream(options.seed, 0, static_cast<std::uint64_t>(i), slot_of("letter"));
    const Index letter = i % isize(forms.size());
    Drawing drawing{.font = stream.below(static_cast<std::uint32_t>(fonts.size())),
                    .letter = forms[usize(letter)][stream.below(2)],
                    .pixels = stream.uniform(0.55, 0.8) * static_cast<double>(size)};
    drawing.angle = stream.uniform(-12.0, 12.0) * std::numbers::pi / 180.0;
    drawing.slant = stream.uniform(-0.15, 0.15);
    const auto room = static_cast<std::uint32_t>(size / 5);  // up to a tenth of the image each way
    const Index down = static_cast<Index>(stream.below(room + 1)) - room / 2;
    const Index right = static_cast<Index>(stream.below(room + 1)) - room / 2;
    const std::array<Color, 2> colors = draw_colors(stream);
    compose(draw(faces[drawing.font], fonts[drawing.font], drawing), colors, size, down, right,
            images.uint8s().subspan(usize(i * size * size * 3), usize(size * size * 3)));
    labels.push_back(static_cast<std::int32_t>(letter));
  }
  std::vector<std::string> names;
  for (const Forms& form : forms) names.push_back(utf8(form[0]));
  return std::make_shared<InMemory>(options.name, std::move(images), std::move(labels), std::move(names));
}

}  // namespace saccade::data
