#include "saccade/image/filter.h"

#include <gmock/gmock.h>

#include "saccade/image/color.h"
#include "saccade/image/decode.h"
#include "saccade/image/encode.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// A colour picture, photo.png, and the course's 3 x 3 pixels, small.pgm.
class Filter : public ::testing::Test {
 protected:
  Filter() {
    photo = Tensor({23, 31, 3}, DType::uint8);
    unsigned value = 1;
    for (std::uint8_t& pixel : photo.uint8s()) {
      value = value * 1103515245U + 12345U;
      pixel = static_cast<std::uint8_t>(value >> 16U);
    }
    write_png(place / "photo.png", photo);
    write(place / "small.pgm", "P2 3 3 255\n3 2 1\n1 2 3\n1 1 1\n");
  }

  /// Exit code 2, one line that says `text`, nothing printed, nothing written.
  void expect_error(const std::vector<std::string>& args, const std::string& text) const {
    const auto before = contents(place.path());
    const Result result = place.expect(2, args);
    EXPECT_THAT(lines(result.err), SizeIs(1)) << describe(args, result);
    EXPECT_THAT(result.err, HasSubstr(text)) << describe(args, result);
    EXPECT_THAT(result.out, IsEmpty()) << describe(args, result);
    EXPECT_EQ(contents(place.path()), before) << describe(args, result);
  }

  void expect_same(const std::string& file, const Tensor& wanted) const {
    const Tensor found = read_image(place / file);
    ASSERT_EQ(found.shape(), wanted.shape());
    EXPECT_TRUE(std::ranges::equal(found.uint8s(), wanted.uint8s())) << file;
  }

  Workplace place;
  Tensor photo;
};

TEST_F(Filter, WritesWhatTheLibraryComputes) {
  const Result result = place.expect(0, {"filter", "photo.png", "--kernel", "sobel-x", "-o", "edges.png"});
  EXPECT_EQ(result.out, "edges.png: 23 x 31 x 3 (height x width x channels)\n");
  EXPECT_THAT(result.err, IsEmpty());
  expect_same("edges.png", filter(photo, filter_named("sobel-x").kernel));

  place.expect(0, {"filter", "photo.png", "--kernel", "-1 0 1; -2 0 2; -1 0 1", "-o", "same.png"});
  EXPECT_EQ(read(place / "same.png"), read(place / "edges.png"));

  place.expect(0, {"filter", "photo.png", "-k", "box-blur", "--border", "mirror", "-o", "blurred.ppm"});
  expect_same("blurred.ppm",
              filter(photo, filter_named("box-blur").kernel, {.border = Border::mirror, .scale = 1.0 / 9}));
}

TEST_F(Filter, EveryOptionArrives) {
  place.expect(0, {"filter", "photo.png", "--kernel", "1 2 1", "--stride", "2x3", "--padding", "valid", "--scale",
                   "0.3", "--offset", "-7", "--grayscale", "-o", "a.png"});
  expect_same(
      "a.png",
      filter(convert_color(photo, ColorMode::grayscale), parse_kernel("1 2 1"),
             {.row_stride = 2, .column_stride = 3, .padding = FilterPadding::valid, .scale = 0.3, .offset = -7}));
  place.expect(0, {"filter", "photo.png", "--kernel", "1 2 1", "--border-value", "90", "--stride", "2", "-o", "b.png"});
  expect_same("b.png", filter(photo, parse_kernel("1 2 1"), {.row_stride = 2, .column_stride = 2, .border_value = 90}));
}

TEST_F(Filter, ExplainsAPixelAsASlideWould) {
  EXPECT_EQ(
      place.expect(0, {"filter", "small.pgm", "--kernel", "sobel-x", "--padding", "valid", "--explain", "0,0"}).out,
      "row 0, column 0 of the result (1 x 1): the kernel lies on rows 0 to 2, columns 0 to 2\n"
      "\n"
      "  picture         kernel             products\n"
      "  3  2  1         -1   0   1         -3   0   1\n"
      "  1  2  3   x     -2   0   2   =     -2   0   6\n"
      "  1  1  1         -1   0   1         -1   0   1\n"
      "  sum    -3 + 0 + 1 - 2 + 0 + 6 - 1 + 0 + 1 = 2\n"
      "  pixel  2\n");
  const Result border = place.expect(0, {"filter", "small.pgm", "--kernel", "sobel-x", "--border-value", "5", "--scale",
                                         "0.25", "--offset", "1", "--explain", "0,2"});
  EXPECT_THAT(border.out, HasSubstr("the kernel lies on rows -1 to 1, columns 1 to 3\n"
                                    "outside the picture (3 x 3): constant 5\n"));
  EXPECT_THAT(border.out, HasSubstr("  2  1  5   x     -2   0   2   =     -4   0  10\n"));
  EXPECT_THAT(border.out, HasSubstr("= 9\n  pixel  9 * 0.25 + 1 = 3.25, rounded to 3\n"));
  const Result blur = place.expect(0, {"filter", "small.pgm", "--kernel", "box-blur", "--explain", "1,1"});
  EXPECT_THAT(blur.out, HasSubstr("= 15\n  pixel  15 / 9 = 1.66667, rounded to 2\n"));
  const Result huge = place.expect(0, {"filter", "small.pgm", "--kernel", "1e35 0 -1e35", "--explain", "1,1"});
  EXPECT_THAT(huge.out, HasSubstr("1e+35 + 0 - 3e+35 = -2e+35\n  pixel  -2e+35, clipped to 0\n"));
  const Result negative = place.expect(0, {"filter", "small.pgm", "--kernel", "-1", "--explain", "0,0"});
  EXPECT_THAT(negative.out, HasSubstr("  pixel  -3, clipped to 0\n"));
}

TEST_F(Filter, ExplainsEachColour) {
  const Result result =
      place.expect(0, {"filter", "photo.png", "--kernel", "emboss", "--explain", "7,9", "-o", "e.png"});
  EXPECT_THAT(result.out, HasSubstr("\nred\n"));
  EXPECT_THAT(result.out, HasSubstr("\ngreen\n"));
  EXPECT_THAT(result.out, HasSubstr("\nblue\n"));
  EXPECT_EQ(lines(result.out).back(), "e.png: 23 x 31 x 3 (height x width x channels)");
  expect_same("e.png", filter(photo, filter_named("emboss").kernel));
}

TEST_F(Filter, ListDrawsEveryKernel) {
  const std::string list = place.expect(0, {"filter", "--list"}).out;
  for (const NamedFilter& named : named_filters()) EXPECT_THAT(list, HasSubstr(std::string(named.name) + " "));
  EXPECT_THAT(list, HasSubstr("  -1   0   1\n  -2   0   2\n  -1   0   1\n  separable: 1 2 1 down, -1 0 1 across\n"));
  EXPECT_THAT(list, HasSubstr("   1   2   1\n  separable: -1 0 1 down, 1 2 1 across\n"));
  EXPECT_THAT(list, HasSubstr("  1  2  1\n  2  4  2   / 16\n  1  2  1\n"));
}

TEST_F(Filter, StandardInputAndOtherFormats) {
  place.expect(0, {"filter", "-", "--kernel", "identity", "-o", "copy.png"}, {.stdin_text = read(place / "photo.png")});
  expect_same("copy.png", photo);
  for (const std::string name : {"a.jpg", "a.webp"}) {
    place.expect(0, {"filter", "photo.png", "--kernel", "identity", "-o", name});
    EXPECT_EQ(read_image(place / name).shape(), photo.shape());
  }
}

TEST_F(Filter, ErrorsAreOneLineAndWriteNothing) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--kernel", "1 2; 3 4"}, "expected a kernel of odd height and width, got 2 x 2"},
      {{"--kernel", "1 2 3; 4 5"}, "expected 3 numbers in row 2, as in the first, got 2"},
      {{"--kernel", "sobel"}, "expected one of identity, box-blur, gaussian-blur, "},
      {{"--kernel", "1 x 1"}, "expected finite numbers or fractions, got 'x'"},
      {{"--kernel", ""}, "--kernel"},
      {{}, "expected --kernel"},
      {{"--kernel", "sobel-x", "--stride", "0"}, "expected strides of at least 1, got 0"},
      {{"--kernel", "sobel-x", "--stride", "2x"}, "--stride: expected a whole number, or rows x columns, got '2x'"},
      {{"--kernel", "sobel-x", "--padding", "full"}, "expected one of valid, same, got 'full'"},
      {{"--kernel", "sobel-x", "--border", "edge"}, "expected one of constant, nearest, reflect, mirror, wrap"},
      {{"--kernel", "sobel-x", "--scale", "nan"}, "--scale: expected a finite number, got nan"},
      {{"--kernel", "sobel-x", "--scale", "1e300"}, "expected a scale from -1e200 to 1e200, got 1e+300"},
      {{"--kernel", "3e38 3e38 -3e38"}, "sum of products is at most 3.4e38 in a white picture, got "},
      {{"--kernel", "gaussian-blur-5", "--padding", "valid"}, "expected an image of at least 5 x 5"},
      {{"--kernel", "sobel-x", "--explain", "3,0"}, "which has 3 rows, 3 columns and 1 channels, got row 3, column 0"},
      {{"--kernel", "sobel-x", "--explain", "1"}, "--explain: expected ROW,COLUMN of a pixel of the result, got '1'"},
      {{"--kernel", "sobel-x", "--max-pixels", "8"}, "expected at most 8 pixels, got 3 x 3"},
      {{"--nosuch"}, "--nosuch"},
  };
  for (const auto& [options, text] : cases) {
    std::vector<std::string> args = {"filter", "small.pgm", "-o", "out.png"};
    args.insert(args.end(), options.begin(), options.end());
    expect_error(args, text);
  }
  expect_error({"filter", "small.pgm", "--kernel", "sobel-x"}, "expected --output or --explain");
  expect_error({"filter"}, "expected an image, or --list");
  expect_error({"filter", "small.pgm", "--kernel", "sobel-x", "-o", "out.gif"},
               "out.gif: expected a name that ends in .png");
  expect_error({"filter", "small.pgm", "--kernel", "sobel-x", "-o", "no/out.png"}, "no/out.png: expected to write it");
  expect_error({"filter", "photo.png", "--kernel", "sobel-x", "-o", "out.pgm"}, "expected a grey picture for a .pgm");
  for (const std::vector<std::string>& slip : std::vector<std::vector<std::string>>{
           {"--kernel", "1 2; 3 4"}, {"--stride", "0"}, {"--scale", "inf"}, {"--explain", "1"}, {"-o", "out.gif"}}) {
    std::vector<std::string> args = {"filter", "nowhere.png"};
    if (slip[0] != "--kernel") args.insert(args.end(), {"--kernel", "sobel-x"});
    if (slip[0] != "-o") args.insert(args.end(), {"-o", "out.png"});
    args.insert(args.end(), slip.begin(), slip.end());
    const Result result = place.expect(2, args);
    EXPECT_THAT(result.err, Not(HasSubstr("nowhere"))) << "options are looked at before the picture";
  }
  expect_error({"filter", "nowhere.png", "--kernel", "sobel-x", "-o", "out.png"}, "nowhere.png: ");
}

TEST_F(Filter, AFullDiskLeavesTheOldFile) {
  write(place / "out.ppm", "old");
  const Result result =
      place.expect(2, {"filter", "photo.png", "--kernel", "identity", "-o", "out.ppm"}, {.file_limit_bytes = 100});
  EXPECT_THAT(result.err, StartsWith("out.ppm: "));
  EXPECT_EQ(read(place / "out.ppm"), "old");
  EXPECT_THAT(contents(place.path()), SizeIs(3));
}

}  // namespace
}  // namespace saccade::e2e
