#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::Bytes;
using test::decode_error;
using test::pixels_of;

const std::string kFix = "; the file is damaged or incomplete: copy or export it again";

/// A file as it is put together: numbers are little-endian.
class Builder {
 public:
  Builder& number(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_.push_back(static_cast<std::byte>(i < 8 ? value >> (8 * i) : 0));
    return *this;
  }
  Builder& bytes(std::initializer_list<int> values) {
    for (const int value : values) bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  Builder& text(std::string_view text) {
    for (const char letter : text) bytes_.push_back(static_cast<std::byte>(letter));
    return *this;
  }
  Bytes done() const { return bytes_; }

 private:
  Bytes bytes_;
};

// ---- BMP ----

struct Bmp {
  std::int32_t height = 1;
  std::int32_t width = 1;
  int bits = 24;
  int compression = 0;
  std::initializer_list<int> after_header = {};  ///< Palette (blue, green, red, 0) or masks.
  std::initializer_list<int> rows = {};          ///< From the bottom, each padded to four bytes.
  std::uint32_t info_bytes = 40;
};

Bytes made(const Bmp& file) {
  Builder builder;
  const auto pixels = static_cast<std::uint32_t>(14 + 40 + file.after_header.size());
  builder.text("BM").number(0, 8).number(pixels, 4).number(file.info_bytes, 4);
  builder.number(static_cast<std::uint32_t>(file.width), 4).number(static_cast<std::uint32_t>(file.height), 4);
  builder.number(1, 2).number(static_cast<std::uint32_t>(file.bits), 2);
  builder.number(static_cast<std::uint32_t>(file.compression), 4).number(0, 20);
  return builder.bytes(file.after_header).bytes(file.rows).done();
}

Tensor decoded(const Bmp& file) { return decode(made(file), "file"); }

TEST(Bmp, RowsRunFromTheBottom) {
  const Tensor image = decoded({.height = 2, .width = 1, .rows = {3, 2, 1, 0, 6, 5, 4, 0}});
  EXPECT_EQ(image.shape(), Shape({2, 1, 3}));
  EXPECT_EQ(pixels_of(image), (std::vector{4, 5, 6, 1, 2, 3}));
}

TEST(Bmp, NegativeHeightRunsFromTheTop) {
  EXPECT_EQ(pixels_of(decoded({.height = -2, .width = 1, .rows = {3, 2, 1, 0, 6, 5, 4, 0}})),
            (std::vector{1, 2, 3, 4, 5, 6}));
}

TEST(Bmp, PalettesAreLookedUp) {
  const std::initializer_list<int> palette = {3, 2, 1, 0, 6, 5, 4, 0};
  EXPECT_EQ(pixels_of(decoded({.width = 2, .bits = 1, .after_header = palette, .rows = {0x40, 0, 0, 0}})),
            (std::vector{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(pixels_of(decoded({.width = 2, .bits = 4, .after_header = palette, .rows = {0x10, 0, 0, 0}})),
            (std::vector{4, 5, 6, 1, 2, 3}));
  EXPECT_EQ(pixels_of(decoded({.width = 2, .bits = 8, .after_header = palette, .rows = {1, 1, 0, 0}})),
            (std::vector{4, 5, 6, 4, 5, 6}));
}

TEST(Bmp, AnIndexBeyondThePaletteIsAnError) {
  const std::initializer_list<int> palette = {3, 2, 1, 0, 6, 5, 4, 0};
  EXPECT_EQ(decode_error(made({.width = 3, .bits = 8, .after_header = palette, .rows = {0, 1, 2, 0}})),
            "file: byte 64: expected an index into 2 colours, got 2" + kFix);
  EXPECT_EQ(decode_error(made({.width = 3, .bits = 4, .after_header = palette, .rows = {0x10, 0xf0, 0, 0}})),
            "file: byte 63: expected an index into 2 colours, got 15" + kFix);
}

TEST(Bmp, FewAndManyBits) {
  // Five bits a colour: red 31, green 0, blue 31.
  EXPECT_EQ(pixels_of(decoded({.bits = 16, .rows = {0x1f, 0x7c, 0, 0}})), (std::vector{255, 0, 255}));
  // The fourth byte means nothing without a mask.
  EXPECT_EQ(pixels_of(decoded({.bits = 32, .rows = {3, 2, 1, 99}})), (std::vector{1, 2, 3}));
  // Masks: 5 bits red, 6 green, 5 blue.
  EXPECT_EQ(pixels_of(decoded({.bits = 16,
                               .compression = 3,
                               .after_header = {0, 0xf8, 0, 0, 0xe0, 7, 0, 0, 0x1f, 0, 0, 0},
                               .rows = {0xe0, 0xff, 0, 0}})),
            (std::vector{255, 255, 0}));
}

TEST(Bmp, AnAlphaMaskGivesAlpha) {
  Builder builder;
  builder.text("BM").number(0, 8).number(122, 4).number(108, 4).number(1, 4).number(1, 4).number(1, 2).number(32, 2);
  builder.number(3, 4).number(0, 20).number(0xff, 4).number(0xff00, 4).number(0xff0000, 4).number(0xff000000, 4);
  const Bytes bytes = builder.number(0, 52).bytes({1, 2, 3, 99}).done();
  const Tensor image = decode(bytes, "file");
  EXPECT_EQ(image.shape(), Shape({1, 1, 4}));
  EXPECT_EQ(pixels_of(image), (std::vector{1, 2, 3, 99}));
  EXPECT_EQ(test::accepted_prefix(bytes), std::nullopt);
}

TEST(Bmp, EveryTruncationIsAnError) {
  EXPECT_EQ(test::accepted_prefix(made({.height = 2, .width = 1, .rows = {3, 2, 1, 0, 6, 5, 4, 0}})), std::nullopt);
  EXPECT_EQ(decode_error(std::span<const std::byte>(made({.rows = {1, 2, 3, 0}})).first(57)),
            "file: byte 57: expected pixels up to byte 58, got the end of the file" + kFix);
}

TEST(Bmp, DamageIsAnErrorOrHarmless) {
  EXPECT_EQ(
      test::unsafe_byte(made({.width = 2, .bits = 8, .after_header = {3, 2, 1, 0, 6, 5, 4, 0}, .rows = {1, 1, 0, 0}})),
      std::nullopt);
  EXPECT_EQ(test::unsafe_byte(made({.bits = 16, .rows = {0x1f, 0x7c, 0, 0}})), std::nullopt);
}

TEST(Bmp, ErrorsNameByteAndReason) {
  EXPECT_EQ(decode_error(made({.compression = 1, .rows = {0, 0, 0, 0}})),
            "file: byte 30: expected an uncompressed BMP, got compression 1; convert it to PNG");
  EXPECT_EQ(decode_error(made({.bits = 7, .rows = {0, 0, 0, 0}})),
            "file: byte 28: expected 1, 4, 8, 16, 24 or 32 bits a pixel, got 7" + kFix);
  EXPECT_EQ(decode_error(made({.rows = {0, 0, 0, 0}, .info_bytes = 64})),
            "file: byte 14: expected an information header of 12, 40, 56, 108 or 124 bytes, got 64; convert it to PNG");
  EXPECT_EQ(decode_error(made({.height = 0})),
            "file: byte 18: expected an image of at least one pixel, got 0 x 1 (height x width)" + kFix);
}

TEST(Bmp, HugeHeadersTakeNoMemory) {
  EXPECT_EQ(
      decode_error(made({.height = std::numeric_limits<std::int32_t>::min(), .width = 0x7fffffff})),
      "file: byte 18: expected at most 268435456 pixels, got 2147483648 x 2147483647 (height x width); shrink the "
      "image, or raise max_pixels if the file is trusted");
  EXPECT_EQ(decode_error(made({.height = 16384, .width = 16384, .bits = 32})),
            "file: byte 54: expected pixels up to byte 1073741878, got the end of the file" + kFix);
}

// ---- GIF ----

struct Gif {
  std::uint32_t height = 2;
  std::uint32_t width = 2;
  std::uint32_t top = 0;
  std::uint32_t left = 0;
  std::uint32_t frame_height = 2;
  std::uint32_t frame_width = 2;
  std::initializer_list<int> indices = {0, 1, 2, 3};
  int transparent = -1;
};

/// Codes of three bits, with a clear code before each, so that the dictionary never grows.
std::vector<int> packed(std::initializer_list<int> indices) {
  constexpr int kClear = 4;
  constexpr int kEnd = 5;
  std::vector<int> codes;
  for (const int index : indices) codes.insert(codes.end(), {kClear, index});
  codes.push_back(kEnd);
  std::vector<int> bytes((codes.size() * 3 + 7) / 8);
  for (std::size_t bit = 0; bit < codes.size() * 3; ++bit)
    bytes[bit / 8] |= (codes[bit / 3] >> (bit % 3) & 1) << (bit % 8);
  return bytes;
}

/// The first frame, and where it ends.
Bytes made(const Gif& file) {
  Builder builder;
  builder.text("GIF89a").number(file.width, 2).number(file.height, 2).bytes({0x81, 3, 0});
  builder.bytes({10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42});
  if (file.transparent >= 0) builder.bytes({0x21, 0xf9, 4, 1, 0, 0, file.transparent, 0});
  builder.bytes({0x2c})
      .number(file.left, 2)
      .number(file.top, 2)
      .number(file.frame_width, 2)
      .number(file.frame_height, 2);
  const std::vector<int> data = packed(file.indices);
  builder.bytes({0, 2, static_cast<int>(data.size())});
  for (const int byte : data) builder.bytes({byte});
  return builder.bytes({0}).done();
}

Bytes with_trailer(Bytes frame) {
  frame.push_back(std::byte{0x3b});
  return frame;
}

TEST(Gif, OpaqueFramesHaveThreeChannels) {
  const Bytes bytes = with_trailer(made(Gif{}));
  EXPECT_EQ(image_format(bytes), "GIF");
  const Tensor image = decode(bytes, "file");
  EXPECT_EQ(image.shape(), Shape({2, 2, 3}));
  EXPECT_EQ(pixels_of(image), (std::vector{10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42}));
}

TEST(Gif, WhatTheFrameDoesNotCoverIsTransparent) {
  const Tensor image = decode(
      with_trailer(made(Gif{.width = 3, .top = 1, .left = 1, .frame_height = 1, .frame_width = 1, .indices = {2}})),
      "file");
  EXPECT_EQ(image.shape(), Shape({2, 3, 4}));
  std::vector<int> wanted(24);
  std::ranges::copy(std::vector{30, 31, 32, 255}, wanted.begin() + 16);
  EXPECT_EQ(pixels_of(image), wanted);
}

TEST(Gif, TransparentIndicesAreTransparent) {
  const Tensor image = decode(with_trailer(made(Gif{.transparent = 1})), "file");
  EXPECT_EQ(pixels_of(image), (std::vector{10, 11, 12, 255, 0, 0, 0, 0, 30, 31, 32, 255, 40, 41, 42, 255}));
}

TEST(Gif, LaterFramesDoNotMatter) {
  Bytes bytes = made(Gif{});
  const Tensor image = decode(bytes, "file");
  bytes.insert(bytes.end(), 20, std::byte{0x99});
  EXPECT_TRUE(test::same(decode(bytes, "file"), image));
}

TEST(Gif, EveryTruncationIsAnError) {
  EXPECT_EQ(test::accepted_prefix(made(Gif{.transparent = 1})), std::nullopt);
  EXPECT_EQ(decode_error(std::span<const std::byte>(made(Gif{})).first(20)),
            "file: byte 20: expected the colour table up to byte 25, got the end of the file" + kFix);
}

TEST(Gif, DamageIsAnErrorOrHarmless) { EXPECT_EQ(test::unsafe_byte(made(Gif{.transparent = 1})), std::nullopt); }

TEST(Gif, ErrorsNameByteAndReason) {
  Bytes bytes = made(Gif{});
  bytes[25] = std::byte{0x7f};
  EXPECT_EQ(decode_error(bytes), "file: byte 25: expected a frame, got byte 0x7f" + kFix);
  EXPECT_EQ(decode_error(made(Gif{.frame_width = 3})),
            "file: expected a whole GIF image, got bad Image Descriptor" + kFix);
  EXPECT_EQ(decode_error(made(Gif{.height = 0})),
            "file: byte 6: expected an image of at least one pixel, got 0 x 2 (height x width)" + kFix);
  EXPECT_EQ(decode_error(made(Gif{.height = 65535, .width = 65535})),
            "file: byte 6: expected at most 268435456 pixels, got 65535 x 65535 (height x width); shrink the image, or "
            "raise max_pixels if the file is trusted");
}

}  // namespace
}  // namespace saccade
