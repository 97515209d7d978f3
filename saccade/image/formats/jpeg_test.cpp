#include <gmock/gmock.h>
#include <gtest/gtest.h>

// jpeglib.h needs FILE and size_t.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <algorithm>
#include <cstdlib>

#include "saccade/image/color.h"
#include "saccade/image/encode.h"
#include "saccade/image/orient.h"
#include "saccade/image/resize.h"
#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::Bytes;
using test::decode_error;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

/// What the encoder under test has no options for.
struct JpegFile {
  bool progressive = false;
  bool arithmetic = false;
  bool inks = false;       ///< Four channels are CMYK, as Adobe stores it.
  std::string exif = {};   ///< An APP1 marker.
  Index restart_rows = 0;  ///< Restart markers every so many rows of blocks.
};

Bytes made(const Tensor& image, const JpegFile& file) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_height = static_cast<JDIMENSION>(image.shape()[0]);
  info.image_width = static_cast<JDIMENSION>(image.shape()[1]);
  info.input_components = static_cast<int>(image.shape()[2]);
  info.in_color_space = file.inks ? JCS_CMYK : image.shape()[2] == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  if (file.progressive) jpeg_simple_progression(&info);
  info.arith_code = file.arithmetic ? TRUE : FALSE;
  info.restart_in_rows = static_cast<int>(file.restart_rows);
  jpeg_start_compress(&info, TRUE);
  if (!file.exif.empty()) {
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(file.exif.data()),
                      static_cast<unsigned>(file.exif.size()));
  }
  while (info.next_scanline < info.image_height) {
    const Index row_bytes = image.shape()[1] * image.shape()[2];
    auto* row = const_cast<std::uint8_t*>(image.uint8s().data() + info.next_scanline * row_bytes);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  const auto written = std::as_bytes(std::span(data, size));
  Bytes bytes(written.begin(), written.end());
  jpeg_destroy_compress(&info);
  std::free(data);
  return bytes;
}

/// The largest difference of any value; 256 when the shapes differ.
int distance(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < usize(a.elements()); ++i) {
    largest = std::max(largest, std::abs(a.uint8s()[i] - b.uint8s()[i]));
  }
  return largest;
}

std::string exif_of(int orientation, bool little) {
  const char value = static_cast<char>(orientation);
  // Two entries, so that the search has to walk: the picture's width, then its orientation.
  std::string text = little ? std::string("II*\0\x08\0\0\0\x02\0", 10) : std::string("MM\0*\0\0\0\x08\0\x02", 10);
  text += little ? std::string("\0\x01\x03\0\x01\0\0\0\x09\0\0\0", 12)
                 : std::string("\x01\0\0\x03\0\0\0\x01\0\x09\0\0", 12);
  text += little ? std::string("\x12\x01\x03\0\x01\0\0\0", 8) + value + std::string(3, '\0')
                 : std::string("\x01\x12\0\x03\0\0\0\x01\0", 9) + value + std::string(2, '\0');
  return std::string("Exif\0\0", 6) + text + std::string(4, '\0');
}

TEST(Jpeg, RoundTripIsClose) {
  for (const Index channels : {1, 3}) {
    const Tensor image = test::gradient(37, 53, channels);
    for (const bool subsample : {false, true}) {
      const Bytes bytes = encode_jpeg(image, {.quality = 98, .subsample_chroma = subsample});
      EXPECT_EQ(image_format(bytes), "JPEG");
      EXPECT_LE(distance(decode(bytes, "file"), image), 8) << channels << " channels";
    }
  }
}

TEST(Jpeg, QualityAndSubsamplingShrinkTheFile) {
  const Tensor image = test::noise(64, 64, 3);
  const std::size_t best = encode_jpeg(image, {.quality = 95, .subsample_chroma = false}).size();
  const std::size_t subsampled = encode_jpeg(image, {.quality = 95}).size();
  EXPECT_LT(subsampled, best);
  EXPECT_LT(encode_jpeg(image, {.quality = 30}).size(), subsampled);
}

TEST(Jpeg, EveryCodingGivesTheSamePicture) {
  const Tensor image = test::noise(40, 33, 3);
  const Tensor baseline = decode(made(image, {}), "file");
  EXPECT_LE(distance(decode(made(test::gradient(40, 33, 3), {}), "file"), test::gradient(40, 33, 3)), 8);
  for (const bool progressive : {false, true}) {
    for (const bool arithmetic : {false, true}) {
      EXPECT_EQ(distance(decode(made(image, {.progressive = progressive, .arithmetic = arithmetic}), "file"), baseline),
                0);
    }
  }
}

TEST(Jpeg, InksBecomeColours) {
  // Adobe's files hold 255 minus the ink: white, cyan, magenta, yellow, black.
  const std::vector<std::vector<std::uint8_t>> inks = {{255, 255, 255, 255}, {0, 255, 255, 255}, {255, 0, 255, 255},
                                                       {255, 255, 0, 255},   {255, 255, 255, 0}, {255, 128, 128, 128}};
  const std::vector<std::vector<std::uint8_t>> colors = {{255, 255, 255}, {0, 255, 255}, {255, 0, 255},
                                                         {255, 255, 0},   {0, 0, 0},     {128, 64, 64}};
  for (std::size_t i = 0; i < inks.size(); ++i) {
    Tensor flat({8, 8, 4}, DType::uint8);
    Tensor wanted({8, 8, 3}, DType::uint8);
    for (std::size_t p = 0; p < 64; ++p) {
      std::ranges::copy(inks[i], flat.uint8s().begin() + static_cast<std::ptrdiff_t>(p * 4));
      std::ranges::copy(colors[i], wanted.uint8s().begin() + static_cast<std::ptrdiff_t>(p * 3));
    }
    EXPECT_LE(distance(decode(made(flat, {.inks = true}), "file"), wanted), 1) << i;
  }
}

TEST(Jpeg, ExifOrientationIsApplied) {
  const Tensor image = test::gradient(16, 32, 1);
  const Tensor stored = decode(made(image, {}), "file");
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool little : {false, true}) {
      const Tensor seen = decode(made(image, {.exif = exif_of(orientation, little)}), "file");
      EXPECT_TRUE(test::same(seen, orient(stored, orientation))) << orientation << (little ? " II" : " MM");
    }
  }
}

TEST(Jpeg, DamagedExifIsPassedOver) {
  const Tensor image = test::gradient(8, 16, 1);
  const Tensor stored = decode(made(image, {}), "file");
  const std::string whole = exif_of(6, true);
  for (std::size_t length = 0; length + 4 < whole.size(); ++length) {
    const std::string start = whole.substr(0, length);
    EXPECT_TRUE(test::same(decode(made(image, {.exif = start}), "file"), stored)) << length;
  }
  for (const int orientation : {0, 9, 255}) {
    EXPECT_TRUE(test::same(decode(made(image, {.exif = exif_of(orientation, false)}), "file"), stored));
  }
  std::string far_directory = whole;
  far_directory.replace(10, 4, "\xff\xff\xff\xff");
  EXPECT_TRUE(test::same(decode(made(image, {.exif = far_directory}), "file"), stored));
}

TEST(Jpeg, IsDecodedAsSmallAsServes) {
  const Bytes bytes = encode_jpeg(test::gradient(101, 203, 3));
  const auto decoded = [&](Index min_height, Index min_width) {
    return decode(bytes, "file", {.min_height = min_height, .min_width = min_width}).shape();
  };
  EXPECT_EQ(decoded(0, 0), Shape({101, 203, 3}));
  EXPECT_EQ(decoded(1, 0), Shape({101, 203, 3}));
  EXPECT_EQ(decoded(0, 1), Shape({101, 203, 3}));
  EXPECT_EQ(decoded(1, 1), Shape({13, 26, 3}));
  EXPECT_EQ(decoded(13, 26), Shape({13, 26, 3}));
  EXPECT_EQ(decoded(14, 26), Shape({26, 51, 3}));
  EXPECT_EQ(decoded(13, 27), Shape({26, 51, 3}));
  EXPECT_EQ(decoded(51, 102), Shape({51, 102, 3}));
  EXPECT_EQ(decoded(52, 102), Shape({101, 203, 3}));
  EXPECT_EQ(decoded(5000, 1), Shape({101, 203, 3}));
}

TEST(Jpeg, ASmallerPictureShowsTheSame) {
  const Bytes colours = encode_jpeg(test::gradient(128, 160, 3), {.quality = 98});
  const Bytes inks = made(test::gradient(128, 160, 4), {.inks = true});
  for (const Bytes& bytes : {colours, inks}) {
    const Tensor whole = decode(bytes, "file");
    for (const Index part : {2, 4, 8}) {
      const Tensor small = decode(bytes, "file", {.min_height = 128 / part, .min_width = 160 / part});
      const Tensor wanted =
          resize(whole, {.height = 128 / part, .width = 160 / part, .interpolation = Interpolation::box});
      EXPECT_LE(distance(small, wanted), 6) << "1/" << part;
    }
  }
}

TEST(Jpeg, TheSizeThatServesIsThatOfTheUprightPicture) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Bytes bytes = made(test::gradient(64, 160, 1), {.exif = exif_of(orientation, true)});
    const bool turned = orientation >= 5;
    const Tensor image = decode(bytes, "file", {.min_height = turned ? 80 : 32, .min_width = turned ? 32 : 80});
    EXPECT_EQ(image.shape(), turned ? Shape({80, 32, 1}) : Shape({32, 80, 1})) << orientation;
    EXPECT_EQ(decode(bytes, "file", {.min_height = 70, .min_width = 70}).shape(),
              turned ? Shape({160, 64, 1}) : Shape({64, 160, 1}));
  }
}

TEST(Jpeg, EveryTruncationIsAnError) {
  const Tensor image = test::noise(9, 10, 3);
  EXPECT_EQ(test::accepted_prefix(encode_jpeg(image, {.quality = 50})), std::nullopt);
  EXPECT_EQ(test::accepted_prefix(made(test::noise(4, 4, 1), {.progressive = true})), std::nullopt);
  EXPECT_EQ(test::accepted_prefix(made(test::noise(4, 4, 1), {.arithmetic = true})), std::nullopt);
  const Bytes whole = encode_jpeg(image);
  EXPECT_EQ(
      decode_error(std::span(whole).first(whole.size() - 2)),
      "file: byte " + std::to_string(whole.size() - 2) +
          ": expected a whole JPEG image, got Premature end of JPEG file; the file is damaged or incomplete: copy or "
          "export it again");
}

TEST(Jpeg, DamageIsAnErrorOrHarmless) {
  EXPECT_EQ(test::unsafe_byte(encode_jpeg(test::noise(9, 10, 1), {.quality = 30})), std::nullopt);
  EXPECT_EQ(test::unsafe_byte(made(test::noise(4, 9, 3), {.progressive = true})), std::nullopt);
}

TEST(Jpeg, PaddingBeforeAMarkerIsHarmless) {
  Bytes bytes = encode_jpeg(test::noise(9, 10, 1));
  const Tensor image = decode(bytes, "file");
  bytes.insert(bytes.end() - 2, 5, std::byte{0x11});
  EXPECT_TRUE(test::same(decode(bytes, "file"), image));
}

TEST(Jpeg, MissingPixelsAreAnError) {
  Bytes bytes = made(test::noise(32, 32, 1), {.restart_rows = 1});
  // Cut from one restart marker to the end marker: a file that ends properly, with rows missing.
  const auto is_restart = [&](std::size_t i) { return bytes[i] == std::byte{0xff} && bytes[i + 1] == std::byte{0xd1}; };
  std::size_t cut = 0;
  while (!is_restart(cut)) ++cut;
  bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(cut), bytes.end() - 2);
  EXPECT_THAT(decode_error(bytes),
              MatchesRegex("file: byte [0-9]+: expected a whole JPEG image, got Corrupt JPEG data: .*"));
}

TEST(Jpeg, HugeHeadersTakeNoMemory) {
  Bytes bytes = encode_jpeg(test::noise(8, 8, 1));
  const auto frame = std::ranges::search(bytes, std::vector{std::byte{0xff}, std::byte{0xc0}});
  ASSERT_FALSE(frame.empty());
  const auto set_size = [&](int height, int width) {
    frame[5] = static_cast<std::byte>(height >> 8);
    frame[6] = static_cast<std::byte>(height & 255);
    frame[7] = static_cast<std::byte>(width >> 8);
    frame[8] = static_cast<std::byte>(width & 255);
  };
  set_size(65500, 65500);
  EXPECT_EQ(decode_error(bytes),
            "file: expected at most 268435456 pixels, got 65500 x 65500 (height x width); shrink the image, or raise "
            "max_pixels if the file is trusted");
  set_size(16000, 16000);
  EXPECT_THAT(decode_error(bytes),
              HasSubstr("expected at least 500000 bytes for 16000 x 16000 pixels, got the end of the file"));
  set_size(65535, 1);
  EXPECT_THAT(decode_error(bytes), HasSubstr("Maximum supported image dimension is 65500 pixels"));
}

TEST(Jpeg, ScansAreLimited) {
  const Bytes bytes = made(test::noise(16, 16, 3), {.progressive = true});
  EXPECT_EQ(decode_error(bytes), "no error");
  EXPECT_THAT(decode_error(bytes, {.max_jpeg_scans = 3}),
              HasSubstr("expected a whole JPEG image, got more than 3 scans;"));
}

TEST(Jpeg, RefusesWhatItCannotHold) {
  EXPECT_EQ(
      test::text_of<ValueError>([] { encode_jpeg(test::noise(1, 1, 4)); }),
      "encode_jpeg: expected a grey or RGB image, got one with alpha; convert it with convert_color, or write a PNG");
  for (const int quality : {0, 101}) {
    EXPECT_EQ(
        test::text_of<ValueError>([&] { encode_jpeg(test::noise(1, 1, 1), {.quality = quality}); }),
        "encode_jpeg: expected a quality from 1 to 100, got " + std::to_string(quality) + "; 90 suits photographs");
  }
  EXPECT_EQ(test::text_of<ValueError>([] {
              encode_jpeg(Tensor({1, 65501, 1}, DType::uint8));
            }),
            "encode_jpeg: expected at most 65500 pixels a side, got 1 x 65501; shrink the image, or write a PNG");
}

}  // namespace
}  // namespace saccade
