#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <cstring>

#include "saccade/image/encode.h"
#include "saccade/image/orient.h"
#include "saccade/image/testing_internal.h"

// Files are made with libtiff itself, so that compressions, tiles and planes are those of the format's own library.

namespace saccade {
namespace {

using test::Bytes;
using test::decode_error;
using test::pixels_of;
using ::testing::HasSubstr;

/// What a TIFF under test holds. `rows` is packed as the format stores it, 16 bits in this machine's order; with separate
/// planes, one plane after the other.
struct Tiff {
  Index height = 1;
  Index width = 1;
  int bits = 8;
  int samples = 1;
  int photometric = PHOTOMETRIC_MINISBLACK;
  std::vector<std::uint8_t> rows = {};
  int compression = COMPRESSION_NONE;
  bool separate = false;
  Index rows_per_strip = 1;
  Index tile = 0;  ///< Side; 0 for strips. With tiles, `rows` holds the padded tiles.
  int orientation = 1;
  std::vector<std::uint16_t> extra = {};
  std::vector<std::uint16_t> palette = {};  ///< All reds, all greens, all blues.
  int sample_format = SAMPLEFORMAT_UINT;
  const char* mode = "w";  ///< "wb" big-endian, "w8" with 64-bit offsets
};

/// A file in memory that libtiff writes.
struct Sink {
  Bytes bytes;
  std::size_t position = 0;

  static Sink& of(thandle_t handle) { return *static_cast<Sink*>(handle); }
  static tmsize_t read(thandle_t handle, void* target, tmsize_t count) {
    Sink& sink = of(handle);
    const std::size_t taken = std::min(static_cast<std::size_t>(count), sink.bytes.size() - sink.position);
    std::memcpy(target, sink.bytes.data() + sink.position, taken);
    sink.position += taken;
    return static_cast<tmsize_t>(taken);
  }
  static tmsize_t write(thandle_t handle, void* source, tmsize_t count) {
    Sink& sink = of(handle);
    const std::size_t end = sink.position + static_cast<std::size_t>(count);
    if (end > sink.bytes.size()) sink.bytes.resize(end);
    std::memcpy(sink.bytes.data() + sink.position, source, static_cast<std::size_t>(count));
    sink.position = end;
    return count;
  }
  static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    Sink& sink = of(handle);
    const std::size_t start = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? sink.position : sink.bytes.size();
    return sink.position = start + offset;
  }
  static int close(thandle_t /*handle*/) { return 0; }
  static toff_t size(thandle_t handle) { return of(handle).bytes.size(); }
};

void write_tags(TIFF* tiff, const Tiff& file) {
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(file.height));
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(file.width));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, file.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, file.samples);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, file.photometric);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, file.compression);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, file.separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, file.orientation);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, file.sample_format);
  if (file.tile > 0) {
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<std::uint32_t>(file.tile));
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<std::uint32_t>(file.tile));
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(file.rows_per_strip));
  }
  if (!file.extra.empty()) {
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, static_cast<int>(file.extra.size()), file.extra.data());
  }
  if (!file.palette.empty()) {
    const std::size_t size = file.palette.size() / 3;
    TIFFSetField(tiff, TIFFTAG_COLORMAP, file.palette.data(), file.palette.data() + size,
                 file.palette.data() + 2 * size);
  }
  if (file.compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, 98);
    if (file.photometric == PHOTOMETRIC_YCBCR) TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
}

Bytes made(const Tiff& file) {
  Sink sink;
  TIFF* const tiff = TIFFClientOpen("", file.mode, &sink, Sink::read, Sink::write, Sink::seek, Sink::close, Sink::size,
                                    nullptr, nullptr);
  write_tags(tiff, file);
  const tmsize_t block = file.tile > 0 ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
  const auto left = [&](tmsize_t done) { return static_cast<tmsize_t>(file.rows.size()) - done; };
  std::vector<std::uint8_t> data = file.rows;  // libtiff swaps the bytes where they are.
  // Strips end with their plane.
  const tmsize_t plane = file.separate ? static_cast<tmsize_t>(file.rows.size()) / file.samples : left(0);
  std::uint32_t number = 0;
  for (tmsize_t done = 0; left(done) > 0;) {
    const tmsize_t size = std::min(block, plane - done % plane);
    if (file.tile > 0) {
      TIFFWriteEncodedTile(tiff, number++, data.data() + done, size);
    } else {
      TIFFWriteEncodedStrip(tiff, number++, data.data() + done, size);
    }
    done += size;
  }
  TIFFClose(tiff);
  return sink.bytes;
}

std::vector<std::uint8_t> values_of(const Tensor& image) { return {image.uint8s().begin(), image.uint8s().end()}; }

Tiff tiff_of(const Tensor& image) {
  const Index channels = image.shape()[2];
  Tiff file{.height = image.shape()[0], .width = image.shape()[1], .samples = static_cast<int>(channels)};
  file.photometric = channels == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB;
  if (channels == 4) file.extra = {EXTRASAMPLE_UNASSALPHA};
  file.rows = values_of(image);
  return file;
}

std::vector<int> decoded(const Tiff& file) { return pixels_of(decode(made(file), "file")); }

/// The offset in a little-endian file of the value of that tag, in its directory.
std::size_t value_of_tag(const Bytes& bytes, unsigned tag) {
  const auto number = [&](std::size_t offset, std::size_t count) {
    std::size_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | std::to_integer<std::size_t>(bytes[offset + i]);
    return value;
  };
  const std::size_t directory = number(4, 4);
  for (std::size_t i = 0; i < number(directory, 2); ++i) {
    if (number(directory + 2 + i * 12, 2) == tag) return directory + 2 + i * 12 + 8;
  }
  return 0;
}

Bytes with_tag(Bytes bytes, unsigned tag, std::uint32_t value) {
  const std::size_t offset = value_of_tag(bytes, tag);
  for (std::size_t i = 0; i < 4; ++i) bytes.at(offset + i) = static_cast<std::byte>(value >> (8 * i));
  return bytes;
}

TEST(Tiff, EightBitsAreReadAsStored) {
  for (const Index channels : {1, 3, 4}) {
    const Tensor image = test::noise(7, 5, channels);
    const Bytes bytes = made(tiff_of(image));
    EXPECT_EQ(image_format(bytes), "TIFF");
    EXPECT_TRUE(test::same(decode(bytes, "file"), image)) << channels << " channels";
  }
}

TEST(Tiff, EveryLosslessCompression) {
  const Tensor image = test::noise(7, 5, 3);
  for (const int compression : {COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
    for (const Index rows : {1, 3, 100}) {
      Tiff file = tiff_of(image);
      file.compression = compression;
      file.rows_per_strip = rows;
      EXPECT_TRUE(test::same(decode(made(file), "file"), image)) << compression << " by " << rows;
    }
  }
  // The number that Deflate had first.
  Tiff file = tiff_of(image);
  file.compression = COMPRESSION_ADOBE_DEFLATE;
  EXPECT_TRUE(test::same(decode(with_tag(made(file), TIFFTAG_COMPRESSION, COMPRESSION_DEFLATE), "file"), image));
}

TEST(Tiff, EveryContainer) {
  const Tensor image = test::noise(7, 5, 3);
  for (const char* mode : {"wl", "wb", "wl8", "wb8"}) {
    Tiff file = tiff_of(image);
    file.mode = mode;
    EXPECT_TRUE(test::same(decode(made(file), "file"), image)) << mode;
  }
}

TEST(Tiff, FaxIsBlackOnWhite) {
  for (const int compression : {COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4}) {
    EXPECT_EQ(decoded({.height = 2,
                       .width = 10,
                       .bits = 1,
                       .photometric = PHOTOMETRIC_MINISWHITE,
                       .rows = {0x80, 0x40, 0xff, 0x00},
                       .compression = compression}),
              (std::vector{0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255}))
        << compression;
  }
}

TEST(Tiff, FewBitsFillTheRange) {
  EXPECT_EQ(decoded({.width = 3, .bits = 1, .rows = {0xa0}}), (std::vector{255, 0, 255}));
  EXPECT_EQ(decoded({.width = 4, .bits = 2, .rows = {0x1b}}), (std::vector{0, 85, 170, 255}));
  EXPECT_EQ(decoded({.width = 3, .bits = 4, .rows = {0x0f, 0x80}}), (std::vector{0, 255, 136}));
  EXPECT_EQ(decoded({.width = 2, .bits = 4, .photometric = PHOTOMETRIC_MINISWHITE, .rows = {0x0f}}),
            (std::vector{255, 0}));
}

TEST(Tiff, SixteenBitsKeepTheHighByte) {
  for (const char* mode : {"wl", "wb"}) {
    EXPECT_EQ(decoded({.width = 2, .bits = 16, .rows = {0xff, 0x12, 0x01, 0xfe}, .mode = mode}),
              (std::vector{0x12, 0xfe}));
  }
  EXPECT_EQ(decoded({.width = 1,
                     .bits = 16,
                     .samples = 4,
                     .photometric = PHOTOMETRIC_RGB,
                     .rows = {0, 1, 0, 2, 0, 3, 0, 4},
                     .extra = {EXTRASAMPLE_UNASSALPHA}}),
            (std::vector{1, 2, 3, 4}));
}

TEST(Tiff, PalettesAreLookedUp) {
  const std::vector<std::uint16_t> wide = {0x100, 0x200, 0, 0xffff, 0x300, 0x400, 0, 0, 0x500, 0x600, 0, 0x8000};
  const std::vector<std::uint16_t> narrow = {1, 2, 0, 255, 3, 4, 0, 0, 5, 6, 0, 128};
  for (const auto& palette : {wide, narrow}) {
    const Tiff file{.width = 3, .bits = 2, .photometric = PHOTOMETRIC_PALETTE, .rows = {0x4c}, .palette = palette};
    EXPECT_EQ(decode(made(file), "file").shape(), Shape({1, 3, 3}));
    EXPECT_EQ(decoded(file), (std::vector{2, 4, 6, 1, 3, 5, 255, 0, 128}));
  }
}

TEST(Tiff, AlphaIsKeptAndOtherSamplesAreNot) {
  const std::vector<std::uint8_t> pixel = {100, 50, 200, 128};
  Tiff file{.samples = 4, .photometric = PHOTOMETRIC_RGB, .rows = pixel, .extra = {EXTRASAMPLE_UNASSALPHA}};
  EXPECT_EQ(decoded(file), (std::vector{100, 50, 200, 128}));
  file.extra = {EXTRASAMPLE_ASSOCALPHA};  // premultiplied: 255 * 100 / 128
  EXPECT_EQ(decoded(file), (std::vector{199, 99, 255, 128}));
  file.extra = {EXTRASAMPLE_UNSPECIFIED};
  EXPECT_EQ(decoded(file), (std::vector{100, 50, 200}));
  EXPECT_EQ(decoded({.samples = 2, .rows = {9, 8}, .extra = {EXTRASAMPLE_UNASSALPHA}}), (std::vector{9, 9, 9, 8}));
  EXPECT_EQ(decoded({.samples = 2, .rows = {9, 8}, .extra = {EXTRASAMPLE_UNSPECIFIED}}), (std::vector{9}));
}

TEST(Tiff, PlanesMayLieApart) {
  EXPECT_EQ(decoded({.height = 2,
                     .width = 2,
                     .samples = 3,
                     .photometric = PHOTOMETRIC_RGB,
                     .rows = {1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12},
                     .separate = true}),
            (std::vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(decoded({.samples = 4,
                     .photometric = PHOTOMETRIC_RGB,
                     .rows = {1, 2, 3, 4},
                     .compression = COMPRESSION_LZW,
                     .separate = true,
                     .extra = {EXTRASAMPLE_UNASSALPHA}}),
            (std::vector{1, 2, 3, 4}));
}

TEST(Tiff, TilesAreCutAtTheEdges) {
  // Tiles of 16 x 16 over 18 x 20 pixels, each padded with 99.
  const Tensor image = test::noise(18, 20, 3);
  Tiff file = tiff_of(image);
  file.tile = 16;
  file.rows.assign(std::size_t{4} * 16 * 16 * 3, 99);
  for (Index y = 0; y < 18; ++y) {
    for (Index x = 0; x < 20; ++x) {
      const Index tile = y / 16 * 2 + x / 16;
      std::copy_n(image.uint8s().data() + (y * 20 + x) * 3, 3,
                  file.rows.data() + ((tile * 16 + y % 16) * 16 + x % 16) * 3);
    }
  }
  EXPECT_TRUE(test::same(decode(made(file), "file"), image));
  file.compression = COMPRESSION_ADOBE_DEFLATE;
  EXPECT_TRUE(test::same(decode(made(file), "file"), image));
}

TEST(Tiff, JpegInside) {
  const Tensor image = test::gradient(32, 48, 3);
  for (const int photometric : {PHOTOMETRIC_YCBCR, PHOTOMETRIC_RGB}) {
    Tiff file = tiff_of(image);
    file.compression = COMPRESSION_JPEG;
    file.photometric = photometric;
    file.rows_per_strip = 16;
    const Tensor found = decode(made(file), "file");
    ASSERT_EQ(found.shape(), image.shape());
    for (std::size_t i = 0; i < usize(image.elements()); ++i) {
      ASSERT_NEAR(found.uint8s()[i], image.uint8s()[i], 10) << photometric << " at " << i;
    }
  }
}

TEST(Tiff, OrientationIsApplied) {
  const Tensor image = test::noise(3, 5, 3);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Tiff file = tiff_of(image);
    file.orientation = orientation;
    EXPECT_TRUE(test::same(decode(made(file), "file"), orient(image, orientation))) << orientation;
  }
}

TEST(Tiff, EveryTruncationIsAnError) {
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_JPEG}) {
    Tiff file = tiff_of(test::noise(8, 8, 3));
    file.compression = compression;
    file.rows_per_strip = 8;
    EXPECT_EQ(test::accepted_prefix(made(file)), std::nullopt) << compression;
  }
}

TEST(Tiff, MissingPixelsAreAnError) {
  Tiff file = tiff_of(test::noise(16, 16, 3));
  file.rows_per_strip = 16;
  for (const int compression : {COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS, COMPRESSION_JPEG}) {
    file.compression = compression;
    const Bytes bytes = made(file);
    EXPECT_THAT(decode_error(with_tag(bytes, TIFFTAG_STRIPBYTECOUNTS, 100)),
                HasSubstr("file: expected a whole TIFF image, got "))
        << compression;
  }
}

TEST(Tiff, DamageIsAnErrorOrHarmless) {
  testing::internal::CaptureStderr();
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_PACKBITS, COMPRESSION_JPEG}) {
    Tiff file = tiff_of(test::noise(4, 3, 3));
    file.compression = compression;
    file.rows_per_strip = 8;
    EXPECT_EQ(test::unsafe_byte(made(file)), std::nullopt) << compression;
  }
  const Tiff fax{.height = 2,
                 .width = 10,
                 .bits = 1,
                 .photometric = PHOTOMETRIC_MINISWHITE,
                 .rows = {0x80, 0x40, 0xff, 0x00},
                 .compression = COMPRESSION_CCITTFAX4};
  EXPECT_EQ(test::unsafe_byte(made(fax)), std::nullopt);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Tiff, ErrorsSayWhatIsNotRead) {
  const std::string fix = "; convert it to an 8-bit RGB TIFF or a PNG";
  EXPECT_EQ(decode_error(made({.bits = 32, .rows = {0, 0, 0, 0}, .sample_format = SAMPLEFORMAT_IEEEFP})),
            "file: expected 1, 2, 4, 8 or 16 bits a sample, got 32" + fix);
  EXPECT_EQ(decode_error(made({.bits = 16, .rows = {0, 0}, .sample_format = SAMPLEFORMAT_INT})),
            "file: expected unsigned integers as samples, got sample format 2" + fix);
  EXPECT_EQ(decode_error(made({.samples = 4, .photometric = PHOTOMETRIC_SEPARATED, .rows = {0, 0, 0, 0}})),
            "file: expected grey, RGB, palette or YCbCr colours, got photometric interpretation 5" + fix);
  EXPECT_EQ(decode_error(made({.samples = 9, .rows = std::vector<std::uint8_t>(9)})),
            "file: expected 1 to 8 samples a pixel, got 9" + fix);
  EXPECT_EQ(decode_error(made({.samples = 2, .photometric = PHOTOMETRIC_RGB, .rows = {0, 0}})),
            "file: expected at least 3 samples a pixel, got 2" + fix);
  EXPECT_EQ(decode_error(with_tag(made({.rows = {0}}), TIFFTAG_COMPRESSION, COMPRESSION_OJPEG)),
            "file: expected LZW, Deflate, PackBits, JPEG, CCITT or no compression, got compression 6" + fix);
  EXPECT_EQ(decode_error(with_tag(made({.samples = 3, .photometric = PHOTOMETRIC_RGB, .rows = {0, 0, 0}}),
                                  TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_YCBCR)),
            "file: expected YCbCr as JPEG, got other YCbCr" + fix);
}

TEST(Tiff, HugeHeadersTakeNoMemory) {
  Bytes bytes = made({.height = 2, .width = 2, .rows = {1, 2, 3, 4}, .rows_per_strip = 2});
  bytes = with_tag(bytes, TIFFTAG_IMAGELENGTH, 0xffff);
  bytes = with_tag(bytes, TIFFTAG_ROWSPERSTRIP, 0xffff);
  EXPECT_EQ(decode_error(with_tag(bytes, TIFFTAG_IMAGEWIDTH, 0xffff)),
            "file: expected at most 268435456 pixels, got 65535 x 65535 (height x width); shrink the image, or raise "
            "max_pixels if the file is trusted");
  const std::string size = std::to_string(bytes.size());
  EXPECT_THAT(
      decode_error(with_tag(bytes, TIFFTAG_IMAGEWIDTH, 4000)),
      HasSubstr("file: byte " + size + ": expected at least 262140000 bytes for 65535 x 4000 pixels, got the end"));
  const Bytes tiled = made({.height = 2, .width = 2, .rows = std::vector<std::uint8_t>(256), .tile = 16});
  EXPECT_THAT(decode_error(with_tag(with_tag(tiled, TIFFTAG_TILEWIDTH, 65520), TIFFTAG_TILELENGTH, 65520)),
              HasSubstr("expected at most 268435456 pixels, got 65520 x 65520"));
  EXPECT_THAT(decode_error(with_tag(tiled, TIFFTAG_TILEWIDTH, 65520)), HasSubstr("expected at least 1048320 bytes"));
}

}  // namespace
}  // namespace saccade
