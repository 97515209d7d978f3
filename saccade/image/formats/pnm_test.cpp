#include <gtest/gtest.h>

#include "saccade/image/encode.h"
#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::Bytes;
using test::decode_error;
using test::pixels_of;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Tensor decoded(std::string_view text) { return decode(bytes_of(text), "file"); }

TEST(Pnm, RoundTrip) {
  for (const Index channels : {1, 3}) {
    const Tensor image = test::noise(5, 8, channels);
    const Bytes bytes = encode_pnm(image);
    EXPECT_EQ(image_format(bytes), "PNM");
    EXPECT_TRUE(test::same(decode(bytes, "file"), image));
  }
  const Bytes grey = encode_pnm(test::image_of({1, 2, 1}, {65, 66}));
  EXPECT_EQ(grey, bytes_of("P5\n2 1\n255\nAB"));
}

TEST(Pnm, ReadsPlainFiles) {
  EXPECT_EQ(pixels_of(decoded("P1\n3 2\n1 0 1\n010")), (std::vector{0, 255, 0, 255, 0, 255}));
  EXPECT_EQ(pixels_of(decoded("P2 2 1 255 7\t250\n")), (std::vector{7, 250}));
  const Tensor color = decoded("P3 1 2 255 1 2 3 4 5 6");
  EXPECT_EQ(color.shape(), Shape({2, 1, 3}));
  EXPECT_EQ(pixels_of(color), (std::vector{1, 2, 3, 4, 5, 6}));
}

TEST(Pnm, ReadsRawBits) {
  // Two rows of nine, each padded to whole bytes; one is black.
  EXPECT_EQ(pixels_of(decoded(std::string_view("P4 9 2\n\xff\x80\x01\x00", 11))),
            (std::vector{0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 0, 255}));
}

TEST(Pnm, ScalesByTheMaximum) {
  EXPECT_EQ(pixels_of(decoded("P2 4 1 15 0 1 8 15")), (std::vector{0, 17, 136, 255}));
  EXPECT_EQ(pixels_of(decoded(std::string_view("P5 3 1 100\n\x00\x32\x64", 14))), (std::vector{0, 128, 255}));
  EXPECT_EQ(pixels_of(decoded(std::string_view("P5 3 1 65535\n\x00\x00\x80\x00\xff\xff", 19))),
            (std::vector{0, 128, 255}));
}

TEST(Pnm, SkipsComments) {
  EXPECT_EQ(pixels_of(decoded("P2# made by hand\n# width\n2 # and height\n1 255 3 4")), (std::vector{3, 4}));
}

TEST(Pnm, EveryTruncationIsAnError) {
  EXPECT_EQ(test::accepted_prefix(encode_pnm(test::noise(3, 4, 3))), std::nullopt);
  EXPECT_EQ(test::accepted_prefix(bytes_of("P4 9 2\n1234")), std::nullopt);
  EXPECT_EQ(test::accepted_prefix(bytes_of("P1 2 2 0 1 1 0")), std::nullopt);
  EXPECT_EQ(test::accepted_prefix(bytes_of("P3 1 1 9 1 2 3")), std::nullopt);
}

TEST(Pnm, DamageIsAnErrorOrHarmless) {
  EXPECT_EQ(test::unsafe_byte(encode_pnm(test::noise(3, 4, 1))), std::nullopt);
  EXPECT_EQ(test::unsafe_byte(bytes_of("P3 1 2 255 1 2 3 4 5 6")), std::nullopt);
}

TEST(Pnm, ErrorsNameByteAndReason) {
  const std::string fix = "; the file is damaged or incomplete: copy or export it again";
  EXPECT_EQ(decode_error(bytes_of("P5 4 x 255 ")),
            "file: byte 5: expected the height, a number up to 2147483647, got byte 0x78" + fix);
  EXPECT_EQ(decode_error(bytes_of("P5 4 1 65536 ")),
            "file: byte 7: expected the maximum value, a number up to 65535, got a larger one" + fix);
  EXPECT_EQ(decode_error(bytes_of("P5 4 1 0 ")), "file: byte 7: expected a maximum value from 1 to 65535, got 0" + fix);
  EXPECT_EQ(decode_error(bytes_of("P5 2 1 9 ab")), "file: byte 9: expected a pixel up to 9, got 97" + fix);
  EXPECT_EQ(decode_error(bytes_of("P2 2 1 9 8 10")),
            "file: byte 11: expected a pixel, a number up to 9, got a larger one" + fix);
  EXPECT_EQ(decode_error(bytes_of("P1 2 1 0 2")), "file: byte 9: expected 0 or 1, got byte 0x32" + fix);
  EXPECT_EQ(decode_error(bytes_of("P5 2 2 255 ab")),
            "file: byte 13: expected pixels up to byte 15, got the end of the file" + fix);
  EXPECT_EQ(decode_error(bytes_of("P6 0 2 255 ")),
            "file: byte 3: expected an image of at least one pixel, got 2 x 0 (height x width)" + fix);
}

TEST(Pnm, HugeHeadersTakeNoMemory) {
  EXPECT_EQ(decode_error(bytes_of("P6 2147483647 2147483647 255 ")),
            "file: byte 3: expected at most 268435456 pixels, got 2147483647 x 2147483647 (height x width); shrink the "
            "image, or raise max_pixels if the file is trusted");
  EXPECT_EQ(decode_error(bytes_of("P6 16384 16384 255 ")),
            "file: byte 19: expected pixels up to byte 805306387, got the end of the file; the file is damaged or "
            "incomplete: copy or export it again");
  EXPECT_EQ(decode_error(bytes_of("P6 99999999999999999999 1 255 ")),
            "file: byte 3: expected the width, a number up to 2147483647, got a larger one; the file is damaged or "
            "incomplete: copy or export it again");
}

TEST(Pnm, RefusesAlpha) {
  EXPECT_EQ(
      test::text_of<ValueError>([] { encode_pnm(test::noise(1, 1, 4)); }),
      "encode_pnm: expected a grey or RGB image, got one with alpha; convert it with convert_color, or write a PNG");
}

}  // namespace
}  // namespace saccade
