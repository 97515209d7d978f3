#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/image/encode.h"
#include "saccade/image/formats/format_internal.h"

// The Netpbm formats: three plain (P1 bitmap, P2 grey, P3 colour) and three raw (P4, P5, P6). Read here rather than by
// stb_image, which knows only P5 and P6, takes every maximum for 255, and does not notice a missing end.

namespace saccade::formats {
namespace {

bool is_space(std::uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }
bool is_digit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }

bool recognises(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < 3 || std::to_integer<char>(bytes[0]) != 'P') return false;
  const auto kind = std::to_integer<std::uint8_t>(bytes[1]);
  const auto next = std::to_integer<std::uint8_t>(bytes[2]);
  return kind >= '1' && kind <= '6' && (is_space(next) || next == '#');
}

class PnmReader {
 public:
  explicit PnmReader(const Source& source) : source_(source) {}

  Tensor read() {
    const int kind = source_.at(1) - '0';
    const bool bitmap = kind == 1 || kind == 4;
    const bool raw = kind >= 4;
    skip_space();
    const Index size_offset = position_;
    const Index width = read_number("the width", kMaxSide);
    const Index height = read_number("the height", kMaxSide);
    require_size(source_, size_offset, height, width);
    if (!bitmap) {
      skip_space();
      const Index offset = position_;
      maximum_ = read_number("the maximum value", 65535);
      if (maximum_ == 0) fail(source_, {.offset = offset, .expected = "a maximum value from 1 to 65535", .got = "0"});
    }
    if (raw) skip_one_space();
    const Index channels = kind == 3 || kind == 6 ? 3 : 1;
    const Index samples = height * width * channels;
    const Index bytes_needed = kind == 4 ? ceil_divide(width, 8) * height
                               : raw     ? samples * (maximum_ > 255 ? 2 : 1)
                               : bitmap  ? samples  // digits that may touch
                                         : samples * 2 - 1;
    require_bytes(source_, position_ + bytes_needed, "pixels");
    Tensor image({height, width, channels}, DType::uint8);
    const std::span<std::uint8_t> pixels = image.uint8s();
    if (kind == 1) {
      for (std::uint8_t& pixel : pixels) pixel = read_plain_bit();
    } else if (kind == 4) {
      read_raw_bits(pixels, width);
    } else if (raw) {
      read_raw(pixels);
    } else {
      for (std::uint8_t& pixel : pixels) pixel = scaled(read_number("a pixel", maximum_));
    }
    return image;
  }

 private:
  static constexpr Index kMaxSide = 0x7fffffff;

  /// Spaces, and comments from '#' to the end of the line.
  void skip_space() {
    while (position_ < source_.size()) {
      if (source_.at(position_) == '#') {
        while (position_ < source_.size() && source_.at(position_) != '\n') ++position_;
      } else if (is_space(source_.at(position_))) {
        ++position_;
      } else {
        return;
      }
    }
  }

  Index read_number(std::string_view what, Index maximum) {
    skip_space();
    const Index start = position_;
    require_bytes(source_, start + 1, what);
    Index value = 0;
    while (position_ < source_.size() && is_digit(source_.at(position_)) && value <= maximum) {
      value = value * 10 + (source_.at(position_++) - '0');
    }
    if (position_ == start || value > maximum) {
      fail(source_, {.offset = start,
                     .expected = fmt::format("{}, a number up to {}", what, maximum),
                     .got = position_ == start ? fmt::format("byte {:#04x}", source_.at(start)) : "a larger one"});
    }
    return value;
  }

  void skip_one_space() {
    require_bytes(source_, position_ + 1, "the header");
    if (!is_space(source_.at(position_))) {
      fail(source_, {.offset = position_,
                     .expected = "a space after the header",
                     .got = fmt::format("byte {:#04x}", source_.at(position_))});
    }
    ++position_;
  }

  std::uint8_t scaled(Index value) const { return static_cast<std::uint8_t>((value * 255 + maximum_ / 2) / maximum_); }

  std::uint8_t read_plain_bit() {
    skip_space();
    require_bytes(source_, position_ + 1, "pixels");
    const std::uint8_t digit = source_.at(position_);
    if (digit != '0' && digit != '1') {
      fail(source_, {.offset = position_, .expected = "0 or 1", .got = fmt::format("byte {:#04x}", digit)});
    }
    ++position_;
    return digit == '1' ? 0 : 255;  // One is ink.
  }

  void read_raw_bits(std::span<std::uint8_t> pixels, Index width) const {
    const Index row_bytes = ceil_divide(width, 8);
    for (Index i = 0; i < isize(pixels.size()); ++i) {
      const Index column = i % width;
      const std::uint8_t byte = source_.at(position_ + i / width * row_bytes + column / 8);
      pixels[usize(i)] = (byte >> (7 - column % 8) & 1) != 0 ? 0 : 255;
    }
  }

  void read_raw(std::span<std::uint8_t> pixels) const {
    if (maximum_ == 255) {
      std::memcpy(pixels.data(), source_.bytes.data() + position_, pixels.size());
      return;
    }
    const int sample_bytes = maximum_ > 255 ? 2 : 1;
    for (Index i = 0; i < isize(pixels.size()); ++i) {
      const Index offset = position_ + i * sample_bytes;
      const Index value = big_endian(source_.bytes, offset, sample_bytes);
      if (value > maximum_) {
        fail(
            source_,
            {.offset = offset, .expected = fmt::format("a pixel up to {}", maximum_), .got = fmt::format("{}", value)});
      }
      pixels[usize(i)] = scaled(value);
    }
  }

  const Source& source_;
  Index position_ = 2;
  Index maximum_ = 1;
};

Tensor decode(const Source& source) { return PnmReader(source).read(); }

}  // namespace

const Format kPnm{.name = "PNM", .recognises = recognises, .decode = decode};

}  // namespace saccade::formats

namespace saccade {

std::vector<std::byte> encode_pnm(const Tensor& image) {
  const ImageSize size = image_size(image, "encode_pnm");
  if (size.channels == 4) {
    throw ValueError({.where = "encode_pnm",
                      .expected = "a grey or RGB image",
                      .got = "one with alpha",
                      .fix = "convert it with convert_color, or write a PNG"});
  }
  const std::string header = fmt::format("P{}\n{} {}\n255\n", size.channels == 1 ? 5 : 6, size.width, size.height);
  std::vector<std::byte> bytes(header.size() + image.bytes().size());
  std::ranges::copy(std::as_bytes(std::span(header)), bytes.begin());
  std::ranges::copy(image.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(header.size()));
  return bytes;
}

}  // namespace saccade
