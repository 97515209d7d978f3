#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include "saccade/image/encode.h"
#include "saccade/image/testing_internal.h"

// Files are made with libpng itself, so that depths, palettes and interlacing are those of the format's own library.

namespace saccade {
namespace {

using test::Bytes;
using test::decode_error;
using test::image_of;
using test::pixels_of;
using ::testing::HasSubstr;

/// What a PNG under test holds. `rows` is packed as the format stores it: 1 to 4 bits share bytes, 16 bits are big-endian.
struct Png {
  png_uint_32 height = 1;
  png_uint_32 width = 1;
  int depth = 8;
  int color_type = PNG_COLOR_TYPE_GRAY;
  std::vector<png_byte> rows = {};
  std::vector<png_color> palette = {};
  std::vector<png_byte> palette_alpha = {};
  std::optional<png_color_16> transparent = {};
  bool interlaced = false;
  std::vector<png_byte> exif = {};
  bool without_pixels = false;
};

void set_chunks(png_structp png, png_infop info, Png& file) {
  if (!file.palette.empty()) png_set_PLTE(png, info, file.palette.data(), static_cast<int>(file.palette.size()));
  if (!file.palette_alpha.empty()) {
    png_set_tRNS(png, info, file.palette_alpha.data(), static_cast<int>(file.palette_alpha.size()), nullptr);
  }
  if (file.transparent) png_set_tRNS(png, info, nullptr, 0, &*file.transparent);
  if (!file.exif.empty()) png_set_eXIf_1(png, info, static_cast<png_uint_32>(file.exif.size()), file.exif.data());
}

Bytes made(Png file) {
  Bytes bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  const auto append = [](png_structp writer, png_bytep data, std::size_t count) {
    auto& target = *static_cast<Bytes*>(png_get_io_ptr(writer));
    const auto part = std::as_bytes(std::span(data, count));
    target.insert(target.end(), part.begin(), part.end());
  };
  png_set_write_fn(png, &bytes, append, nullptr);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(png, info, file.width, file.height, file.depth, file.color_type,
               file.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  set_chunks(png, info, file);
  png_write_info(png, info);
  if (file.without_pixels) {
    png_write_chunk(png, reinterpret_cast<png_const_bytep>("IDAT"), reinterpret_cast<png_const_bytep>("x"), 1);
  } else {
    const std::size_t row_bytes = file.rows.size() / file.height;
    std::vector<png_bytep> rows;
    for (std::size_t y = 0; y < file.height; ++y) rows.push_back(file.rows.data() + y * row_bytes);
    png_write_image(png, rows.data());
    png_write_end(png, info);
  }
  png_destroy_write_struct(&png, &info);
  return bytes;
}

Tensor decoded(const Png& file) { return decode(made(file), "file"); }

TEST(Png, RoundTrip) {
  for (const Index channels : {1, 3, 4}) {
    for (const int compression : {0, 1, 6, 9}) {
      const Tensor image = test::noise(13, 7, channels);
      const Bytes bytes = encode_png(image, {.compression = compression});
      EXPECT_EQ(image_format(bytes), "PNG");
      EXPECT_TRUE(test::same(decode(bytes, "file"), image)) << channels << " channels, compression " << compression;
    }
  }
}

TEST(Png, FewBitsOfGreySpanTheWholeRange) {
  EXPECT_EQ(pixels_of(decoded({.width = 8, .depth = 1, .rows = {0b10110001}})),
            (std::vector{255, 0, 255, 255, 0, 0, 0, 255}));
  EXPECT_EQ(pixels_of(decoded({.width = 4, .depth = 2, .rows = {0b00011011}})), (std::vector{0, 85, 170, 255}));
  EXPECT_EQ(pixels_of(decoded({.width = 2, .depth = 4, .rows = {0x3f}})), (std::vector{51, 255}));
}

TEST(Png, SixteenBitsKeepTheirHighByte) {
  const Tensor grey = decoded({.width = 3, .depth = 16, .rows = {0x00, 0xff, 0x12, 0x34, 0xff, 0xff}});
  EXPECT_EQ(grey.shape(), Shape({1, 3, 1}));
  EXPECT_EQ(pixels_of(grey), (std::vector{0, 0x12, 255}));
  const Tensor rgb = decoded({.depth = 16, .color_type = PNG_COLOR_TYPE_RGB, .rows = {1, 200, 2, 200, 3, 200}});
  EXPECT_EQ(pixels_of(rgb), (std::vector{1, 2, 3}));
  const Tensor rgba =
      decoded({.depth = 16, .color_type = PNG_COLOR_TYPE_RGB_ALPHA, .rows = {1, 9, 2, 9, 3, 9, 128, 9}});
  EXPECT_EQ(pixels_of(rgba), (std::vector{1, 2, 3, 128}));
}

TEST(Png, PalettesAreLookedUp) {
  const std::vector<png_color> palette = {{10, 11, 12}, {20, 21, 22}, {30, 31, 32}};
  const Tensor one = decoded({.width = 2,
                              .depth = 1,
                              .color_type = PNG_COLOR_TYPE_PALETTE,
                              .rows = {0x40},
                              .palette = {palette[0], palette[1]}});
  EXPECT_EQ(one.shape(), Shape({1, 2, 3}));
  EXPECT_EQ(pixels_of(one), (std::vector{10, 11, 12, 20, 21, 22}));
  const Tensor two =
      decoded({.width = 2, .depth = 2, .color_type = PNG_COLOR_TYPE_PALETTE, .rows = {0x90}, .palette = palette});
  EXPECT_EQ(pixels_of(two), (std::vector{30, 31, 32, 20, 21, 22}));
  const Tensor four =
      decoded({.width = 2, .depth = 4, .color_type = PNG_COLOR_TYPE_PALETTE, .rows = {0x20}, .palette = palette});
  EXPECT_EQ(pixels_of(four), (std::vector{30, 31, 32, 10, 11, 12}));
  const Tensor eight = decoded({.width = 2, .color_type = PNG_COLOR_TYPE_PALETTE, .rows = {1, 0}, .palette = palette});
  EXPECT_EQ(pixels_of(eight), (std::vector{20, 21, 22, 10, 11, 12}));
}

TEST(Png, TransparencyBecomesAlpha) {
  const Tensor palette = decoded({.width = 3,
                                  .color_type = PNG_COLOR_TYPE_PALETTE,
                                  .rows = {0, 1, 2},
                                  .palette = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}},
                                  .palette_alpha = {0, 128}});
  EXPECT_EQ(palette.shape(), Shape({1, 3, 4}));
  EXPECT_EQ(pixels_of(palette), (std::vector{1, 2, 3, 0, 4, 5, 6, 128, 7, 8, 9, 255}));
  const Tensor grey = decoded({.width = 2,
                               .rows = {7, 9},
                               .transparent = png_color_16{.index = 0, .red = 0, .green = 0, .blue = 0, .gray = 9}});
  EXPECT_EQ(pixels_of(grey), (std::vector{7, 7, 7, 255, 9, 9, 9, 0}));
  const Tensor grey_alpha = decoded({.width = 2, .color_type = PNG_COLOR_TYPE_GRAY_ALPHA, .rows = {7, 100, 9, 200}});
  EXPECT_EQ(pixels_of(grey_alpha), (std::vector{7, 7, 7, 100, 9, 9, 9, 200}));
  const Tensor rgb = decoded({.width = 2,
                              .color_type = PNG_COLOR_TYPE_RGB,
                              .rows = {1, 2, 3, 4, 5, 6},
                              .transparent = png_color_16{.index = 0, .red = 4, .green = 5, .blue = 6, .gray = 0}});
  EXPECT_EQ(pixels_of(rgb), (std::vector{1, 2, 3, 255, 4, 5, 6, 0}));
}

TEST(Png, InterlacedIsTheSamePicture) {
  const Tensor image = test::noise(11, 9, 3);
  const auto values = image.uint8s();
  const Tensor result = decoded({.height = 11,
                                 .width = 9,
                                 .color_type = PNG_COLOR_TYPE_RGB,
                                 .rows = {values.begin(), values.end()},
                                 .interlaced = true});
  EXPECT_TRUE(test::same(result, image));
}

TEST(Png, ExifOrientationIsApplied) {
  const std::vector<png_byte> turned = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0};
  const Tensor image = decoded({.width = 2, .rows = {1, 2}, .exif = turned});
  EXPECT_EQ(image.shape(), Shape({2, 1, 1}));
  EXPECT_EQ(pixels_of(image), (std::vector{1, 2}));
}

TEST(Png, EveryTruncationIsAnError) {
  for (const bool interlaced : {false, true}) {
    const Bytes bytes =
        made({.height = 4, .width = 4, .rows = std::vector<png_byte>(16, 77), .interlaced = interlaced});
    EXPECT_EQ(test::accepted_prefix(bytes), std::nullopt);
  }
  const Bytes whole = made({.width = 2, .rows = {1, 2}});
  EXPECT_EQ(
      decode_error(std::span(whole).first(40)),
      "file: byte 40: expected a whole PNG image, got the end of the file; the file is damaged or incomplete: copy "
      "or export it again");
}

TEST(Png, DamageIsAnErrorOrHarmless) {
  const std::vector<png_byte> rows = {0x12, 0x34, 0x56, 0x78};
  EXPECT_EQ(test::unsafe_byte(made({.height = 4, .width = 2, .depth = 4, .rows = rows})), std::nullopt);
  EXPECT_EQ(test::unsafe_byte(made({.height = 4,
                                    .width = 2,
                                    .depth = 4,
                                    .color_type = PNG_COLOR_TYPE_PALETTE,
                                    .rows = rows,
                                    .palette = std::vector<png_color>(9),
                                    .palette_alpha = {0, 1},
                                    .interlaced = true})),
            std::nullopt);
}

TEST(Png, DamagedDataIsNamed) {
  Bytes bytes = made({.width = 2, .rows = {1, 2}});
  bytes[bytes.size() - 14] ^= std::byte{1};  // the checksum of the pixels
  EXPECT_THAT(decode_error(bytes), HasSubstr("file: byte "));
  EXPECT_THAT(decode_error(bytes), HasSubstr("expected a whole PNG image, got IDAT: CRC error;"));
}

TEST(Png, HugeHeadersTakeNoMemory) {
  const Bytes beyond = made({.height = PNG_UINT_31_MAX, .width = PNG_UINT_31_MAX, .without_pixels = true});
  EXPECT_EQ(
      decode_error(beyond),
      "file: byte 16: expected at most 268435456 pixels, got 2147483647 x 2147483647 (height x width); shrink the "
      "image, or raise max_pixels if the file is trusted");
  const Bytes within = made(
      {.height = 16384, .width = 16384, .depth = 16, .color_type = PNG_COLOR_TYPE_RGB_ALPHA, .without_pixels = true});
  EXPECT_EQ(
      decode_error(within),
      "file: byte 46: expected at least 2080910 bytes for 16384 x 16384 pixels, got the end of the file; the file "
      "is damaged or incomplete: copy or export it again");
}

TEST(Png, LimitsAreTheCallers) {
  const Bytes bytes = encode_png(test::noise(3, 4, 1));
  EXPECT_EQ(decode_error(bytes, {.max_pixels = 12}), "no error");
  EXPECT_THAT(decode_error(bytes, {.max_pixels = 11}), HasSubstr("expected at most 11 pixels, got 3 x 4"));
}

TEST(Png, RefusesWhatItCannotHold) {
  EXPECT_EQ(test::text_of<ValueError>([] { encode_png(test::noise(1, 1, 1), {.compression = 10}); }),
            "encode_png: expected a compression from 0 to 9, got 10; use 6 for small files, 1 for speed");
  EXPECT_THAT(test::text_of<ShapeError>([] {
                encode_png(Tensor({2, 2}, DType::uint8));
              }),
              HasSubstr("encode_png: expected an image ["));
}

}  // namespace
}  // namespace saccade
