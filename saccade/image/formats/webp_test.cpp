#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "saccade/image/color.h"
#include "saccade/image/encode.h"
#include "saccade/image/orient.h"
#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::Bytes;
using test::decode_error;
using ::testing::HasSubstr;

const std::string kFix = "; the file is damaged or incomplete: copy or export it again";

void append(Bytes& bytes, std::span<const std::byte> more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

Bytes number(std::uint64_t value, int count) {
  Bytes bytes;
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
  return bytes;
}

Bytes chunk(std::string_view name, std::span<const std::byte> payload) {
  Bytes bytes;
  append(bytes, std::as_bytes(std::span(name)));
  append(bytes, number(payload.size(), 4));
  append(bytes, payload);
  if (payload.size() % 2 == 1) bytes.push_back(std::byte{0});
  return bytes;
}

/// A file of the extended form: its flags, the size of its canvas and its other chunks.
Bytes extended(unsigned flags, Index height, Index width, const std::vector<Bytes>& chunks) {
  Bytes header = number(flags, 4);
  append(header, number(static_cast<std::uint64_t>(width - 1), 3));
  append(header, number(static_cast<std::uint64_t>(height - 1), 3));
  Bytes body;
  append(body, std::as_bytes(std::span(std::string_view("WEBP"))));
  append(body, chunk("VP8X", header));
  for (const Bytes& next : chunks) append(body, next);
  Bytes file;
  append(file, std::as_bytes(std::span(std::string_view("RIFF"))));
  append(file, number(body.size(), 4));
  append(file, body);
  return file;
}

/// The chunks of a simple file, without the header of 12 bytes.
Bytes bitstream(const Tensor& image) {
  const Bytes file = encode_webp(image, {.lossless = true});
  return {file.begin() + 12, file.end()};
}

constexpr unsigned kAnimation = 0x02;
constexpr unsigned kExif = 0x08;
constexpr unsigned kAlpha = 0x10;

Bytes frame(const Tensor& image, Index top, Index left) {
  Bytes payload;
  for (const Index value : {left / 2, top / 2, image.shape()[1] - 1, image.shape()[0] - 1, Index{100}}) {
    append(payload, number(static_cast<std::uint64_t>(value), 3));
  }
  payload.push_back(std::byte{0});
  append(payload, bitstream(image));
  return chunk("ANMF", payload);
}

Bytes animated(Index height, Index width, const std::vector<Bytes>& frames) {
  std::vector<Bytes> chunks = {chunk("ANIM", number(0, 6))};
  chunks.insert(chunks.end(), frames.begin(), frames.end());
  return extended(kAnimation | kAlpha, height, width, chunks);
}

int distance(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < usize(a.elements()); ++i) {
    largest = std::max(largest, std::abs(a.uint8s()[i] - b.uint8s()[i]));
  }
  return largest;
}

TEST(Webp, LosslessIsReadBackUnchanged) {
  for (const Index channels : {3, 4}) {
    const Tensor image = test::noise(13, 9, channels);
    const Bytes bytes = encode_webp(image, {.lossless = true});
    EXPECT_EQ(image_format(bytes), "WebP");
    EXPECT_TRUE(test::same(decode(bytes, "file"), image)) << channels << " channels";
  }
  const Tensor grey = test::noise(5, 6, 1);
  EXPECT_TRUE(test::same(decode(encode_webp(grey, {.lossless = true}), "file"), convert_color(grey, ColorMode::rgb)));
}

TEST(Webp, LossyIsClose) {
  for (const Index channels : {3, 4}) {
    const Tensor image = test::gradient(64, 48, channels);
    EXPECT_LE(distance(decode(encode_webp(image, {.quality = 98}), "file"), image), 10) << channels << " channels";
  }
  const Tensor noise = test::noise(64, 64, 3);
  EXPECT_LT(encode_webp(noise, {.quality = 20}).size(), encode_webp(noise, {.quality = 90}).size());
}

TEST(Webp, TheFirstFrameOfAnAnimation) {
  const Tensor first = test::noise(4, 6, 3, 1);
  const Tensor second = test::noise(4, 6, 3, 2);
  EXPECT_TRUE(test::same(decode(animated(4, 6, {frame(first, 0, 0), frame(second, 0, 0)}), "file"), first));
}

TEST(Webp, WhatTheFrameDoesNotCoverIsTransparent) {
  const Tensor part = test::noise(2, 3, 3);
  Tensor wanted({5, 7, 4}, DType::uint8);
  const Tensor opaque = convert_color(part, ColorMode::rgba);
  for (Index y = 0; y < 2; ++y) {
    std::copy_n(opaque.uint8s().data() + y * 3 * 4, 3 * 4, wanted.uint8s().data() + ((y + 2) * 7 + 4) * 4);
  }
  EXPECT_TRUE(test::same(decode(animated(5, 7, {frame(part, 2, 4)}), "file"), wanted));
}

TEST(Webp, ExifOrientationIsApplied) {
  const Tensor image = test::noise(4, 6, 3);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool marked : {false, true}) {
      std::string text = marked ? std::string("Exif\0\0", 6) : std::string();
      text += std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18) + static_cast<char>(orientation);
      text += std::string(7, '\0');
      const Bytes bytes = extended(kExif, 4, 6, {bitstream(image), chunk("EXIF", std::as_bytes(std::span(text)))});
      EXPECT_TRUE(test::same(decode(bytes, "file"), orient(image, orientation))) << orientation;
    }
  }
}

TEST(Webp, EveryTruncationIsAnError) {
  EXPECT_EQ(test::accepted_prefix(encode_webp(test::noise(9, 10, 3))), std::nullopt);
  EXPECT_EQ(test::accepted_prefix(encode_webp(test::noise(9, 10, 4), {.lossless = true})), std::nullopt);
  EXPECT_EQ(test::accepted_prefix(animated(4, 4, {frame(test::noise(4, 4, 3), 0, 0)})), std::nullopt);
  const Bytes whole = encode_webp(test::noise(9, 10, 3));
  EXPECT_EQ(decode_error(std::span(whole).first(30)), "file: byte 30: expected the image up to byte " +
                                                          std::to_string(whole.size()) + ", got the end of the file" +
                                                          kFix);
}

TEST(Webp, DamageIsAnErrorOrHarmless) {
  EXPECT_EQ(test::unsafe_byte(encode_webp(test::noise(9, 10, 4), {.quality = 30})), std::nullopt);
  EXPECT_EQ(test::unsafe_byte(encode_webp(test::noise(5, 4, 4), {.lossless = true})), std::nullopt);
  EXPECT_EQ(test::unsafe_byte(animated(6, 6, {frame(test::noise(4, 4, 3), 2, 0)})), std::nullopt);
}

TEST(Webp, ErrorsSayTheReason) {
  // The stream of a frame ends early while the chunks around it are whole.
  Bytes stream = bitstream(test::noise(9, 10, 3));
  const Bytes cut = chunk("VP8L", std::span<const std::byte>(stream).subspan(8, stream.size() / 2));
  EXPECT_EQ(decode_error(extended(0, 9, 10, {cut})), "file: expected a whole WebP image, got damaged data" + kFix);
  EXPECT_EQ(decode_error(extended(0, 8, 10, {stream})), "file: expected a whole WebP image, got damaged chunks" + kFix);
  EXPECT_EQ(decode_error(extended(0, 8, 10, {})), "file: expected a whole WebP image, got damaged chunks" + kFix);
  EXPECT_EQ(decode_error(animated(4, 4, {frame(test::noise(4, 4, 3), 2, 2)})),
            "file: expected a whole WebP image, got damaged chunks" + kFix);
}

TEST(Webp, HugeHeadersTakeNoMemory) {
  EXPECT_EQ(decode_error(animated(60000, 60000, {frame(test::noise(4, 4, 3), 0, 0)})),
            "file: expected at most 268435456 pixels, got 60000 x 60000 (height x width); shrink the image, or raise "
            "max_pixels if the file is trusted");
  EXPECT_THAT(decode_error(encode_webp(Tensor({100, 100, 3}, DType::uint8)), {.max_pixels = 9999}),
              HasSubstr("expected at most 9999 pixels, got 100 x 100"));
}

TEST(Webp, RefusesWhatItCannotHold) {
  for (const int quality : {-1, 101}) {
    EXPECT_EQ(
        test::text_of<ValueError>([&] { encode_webp(test::noise(1, 1, 1), {.quality = quality}); }),
        "encode_webp: expected a quality from 0 to 100, got " + std::to_string(quality) + "; 80 suits photographs");
  }
  EXPECT_EQ(test::text_of<ValueError>([] {
              encode_webp(Tensor({1, 16384, 1}, DType::uint8));
            }),
            "encode_webp: expected at most 16383 pixels a side, got 1 x 16384; shrink the image, or write a PNG");
}

}  // namespace
}  // namespace saccade
