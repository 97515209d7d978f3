#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "saccade/image/formats/format_internal.h"

// BMP and GIF are decoded by stb_image, which takes whatever is missing at the end of a file for zeros, trusts palette
// indices and gives no offsets. So the structure is walked here first; only a file that is whole reaches stb_image.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace saccade::formats {
namespace {

struct Free {
  void operator()(stbi_uc* pixels) const noexcept { stbi_image_free(pixels); }
};

/// What stb_image must find in the bytes, a checked file or the part of it that matters.
struct Expected {
  std::string_view format;
  Index height;
  Index width;
  Index channels;
};

Tensor decode_with_stb(const Source& source, std::span<const std::byte> bytes, const Expected& expected) {
  if (isize(bytes.size()) > std::numeric_limits<int>::max()) {
    fail(source, {.offset = {},
                  .expected = fmt::format("a {} file below 2 GiB", expected.format),
                  .got = fmt::format("{} bytes", bytes.size()),
                  .fix = "convert it to PNG"});
  }
  int width = 0;
  int height = 0;
  int stored_channels = 0;
  const std::unique_ptr<stbi_uc, Free> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &width,
                            &height, &stored_channels, static_cast<int>(expected.channels)));
  if (!pixels || width != expected.width || height != expected.height) {
    const char* const reason = pixels ? nullptr : stbi_failure_reason();
    fail(source, {.offset = {},
                  .expected = fmt::format("a whole {} image", expected.format),
                  .got = reason != nullptr && *reason != '\0' ? reason : "damaged data"});
  }
  Tensor image({expected.height, expected.width, expected.channels}, DType::uint8);
  std::copy_n(pixels.get(), image.elements(), image.uint8s().data());
  return image;
}

// ---- BMP ----

/// What the walk over a BMP's headers found.
struct BmpHeader {
  Index pixels = 0;  ///< Offset of the first row.
  Index info = 0;    ///< Length of the information header.
  Index height = 0;
  Index width = 0;
  Index bits = 0;  ///< Per pixel.
  Index row_bytes = 0;
  bool alpha = false;  ///< Whether it has an alpha mask; the fourth byte of a pixel means nothing without one.
};

BmpHeader read_bmp_header(const Source& source) {
  constexpr Index kFileHeader = 14;
  require_bytes(source, kFileHeader + 4, "the file header");
  const auto number = [&](Index offset, int count) { return Index{little_endian(source.bytes, offset, count)}; };
  BmpHeader header;
  header.pixels = number(10, 4);
  header.info = number(14, 4);
  constexpr std::array<Index, 5> kKnown{12, 40, 56, 108, 124};
  if (std::ranges::find(kKnown, header.info) == kKnown.end()) {
    fail(source, {.offset = 14,
                  .expected = "an information header of 12, 40, 56, 108 or 124 bytes",
                  .got = fmt::format("{}", header.info),
                  .fix = "convert it to PNG"});
  }
  require_bytes(source, kFileHeader + header.info, "the information header");
  const bool core = header.info == 12;
  header.width = core ? number(18, 2) : static_cast<std::int32_t>(number(18, 4));
  header.height = core ? number(20, 2) : static_cast<std::int32_t>(number(22, 4));
  header.height = std::abs(header.height);  // A negative height means that the first row is the top one.
  header.bits = core ? number(24, 2) : number(28, 2);
  const Index compression = core ? 0 : number(30, 4);
  if (compression != 0 && compression != 3) {
    fail(source, {.offset = 30,
                  .expected = "an uncompressed BMP",
                  .got = fmt::format("compression {}", compression),
                  .fix = "convert it to PNG"});
  }
  require_size(source, 18, header.height, header.width);
  constexpr std::array<Index, 6> kDepths{1, 4, 8, 16, 24, 32};
  if (std::ranges::find(kDepths, header.bits) == kDepths.end()) {
    fail(source, {.offset = core ? 24 : 28,
                  .expected = "1, 4, 8, 16, 24 or 32 bits a pixel",
                  .got = fmt::format("{}", header.bits)});
  }
  header.alpha = compression == 3 && header.info >= 108 && number(66, 4) != 0;
  const Index masks = compression == 3 && header.info == 40 ? 12 : 0;
  const Index headers_end = kFileHeader + header.info + masks;
  if (header.pixels < headers_end) {
    fail(source, {.offset = 10,
                  .expected = fmt::format("pixels from byte {} on", headers_end),
                  .got = fmt::format("from byte {}", header.pixels)});
  }
  header.row_bytes = round_up(ceil_divide(header.width * header.bits, 8), 4);
  require_bytes(source, header.pixels + header.row_bytes * header.height, "pixels");
  return header;
}

/// Every index must have its palette entry; stb_image reads past the palette otherwise.
void require_palette(const Source& source, const BmpHeader& header) {
  if (header.bits > 8) return;
  // As many entries as stb_image takes: it counts those of the oldest header from byte 38.
  const Index entries = header.info == 12 ? (header.pixels - 38) / 3 : (header.pixels - 14 - header.info) / 4;
  const Index colors = Index{1} << header.bits;
  if (entries >= colors) return;
  const Index per_byte = 8 / header.bits;
  for (Index y = 0; y < header.height; ++y) {
    for (Index x = 0; x < header.width; ++x) {
      const Index offset = header.pixels + y * header.row_bytes + x / per_byte;
      const Index shift = 8 - header.bits * (x % per_byte + 1);
      const Index index = source.at(offset) >> shift & (colors - 1);
      if (index >= entries) {
        fail(source, {.offset = offset,
                      .expected = fmt::format("an index into {} colours", entries),
                      .got = fmt::format("{}", index)});
      }
    }
  }
}

bool recognises_bmp(std::span<const std::byte> bytes) noexcept { return starts_with(bytes, "BM"); }

Tensor decode_bmp(const Source& source) {
  const BmpHeader header = read_bmp_header(source);
  require_palette(source, header);
  return decode_with_stb(
      source, source.bytes,
      {.format = "BMP", .height = header.height, .width = header.width, .channels = header.alpha ? 4 : 3});
}

// ---- GIF ----

/// Skips blocks of a length byte and that many bytes, up to and with the empty one.
Index skip_blocks(const Source& source, Index offset) {
  for (;;) {
    require_bytes(source, offset + 1, "a data block");
    const Index length = source.at(offset);
    offset += 1 + length;
    require_bytes(source, offset, "a data block");
    if (length == 0) return offset;
  }
}

Index color_table_bytes(std::uint8_t flags) { return (flags & 0x80) != 0 ? Index{3} << ((flags & 7) + 1) : 0; }

/// Offset just past the first frame.
Index first_frame_end(const Source& source) {
  constexpr Index kScreenEnd = 13;
  constexpr Index kFrameHeader = 10;
  Index offset = kScreenEnd + color_table_bytes(source.at(10));
  require_bytes(source, offset, "the colour table");
  for (;;) {
    require_bytes(source, offset + 1, "a frame");
    const std::uint8_t tag = source.at(offset);
    if (tag == 0x21) {  // An extension: a label, then blocks.
      offset = skip_blocks(source, offset + 2);
    } else if (tag == 0x2c) {
      require_bytes(source, offset + kFrameHeader, "a frame header");
      offset += kFrameHeader + color_table_bytes(source.at(offset + 9));
      return skip_blocks(source, offset + 1);
    } else {
      fail(source, {.offset = offset, .expected = "a frame", .got = fmt::format("byte {:#04x}", tag)});
    }
  }
}

bool recognises_gif(std::span<const std::byte> bytes) noexcept {
  return starts_with(bytes, "GIF87a") || starts_with(bytes, "GIF89a");
}

Tensor decode_gif(const Source& source) {
  require_bytes(source, 13, "the screen header");
  const Index width = little_endian(source.bytes, 6, 2);
  const Index height = little_endian(source.bytes, 8, 2);
  require_size(source, 6, height, width);
  const Index end = first_frame_end(source);
  std::vector<std::byte> first_frame(source.bytes.begin(), source.bytes.begin() + end);
  // No background colour: browsers leave what the frame does not cover transparent, and stb_image swaps its red and blue.
  first_frame[11] = std::byte{0};
  Tensor image =
      decode_with_stb(source, first_frame, {.format = "GIF", .height = height, .width = width, .channels = 4});
  const std::span<const std::uint8_t> pixels = image.uint8s();
  for (std::size_t i = 3; i < pixels.size(); i += 4) {
    if (pixels[i] != 255) return image;
  }
  Tensor opaque({height, width, 3}, DType::uint8);
  std::uint8_t* target = opaque.uint8s().data();
  for (std::size_t i = 0; i < pixels.size(); i += 4) target = std::copy_n(&pixels[i], 3, target);
  return opaque;
}

}  // namespace

const Format kBmp{.name = "BMP", .recognises = recognises_bmp, .decode = decode_bmp};
const Format kGif{.name = "GIF", .recognises = recognises_gif, .decode = decode_gif};

}  // namespace saccade::formats
