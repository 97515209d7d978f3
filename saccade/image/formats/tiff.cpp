#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saccade/image/formats/format_internal.h"
#include "saccade/image/orient.h"

namespace saccade::formats {
namespace {

const std::string kConvert = "convert it to an 8-bit RGB TIFF or a PNG";

/// How many bytes of pixels a byte of the file may hold at most, so that a small file cannot ask for much memory.
struct Compression {
  std::uint16_t tag;
  std::optional<Index> most;  ///< Empty where a white row takes a bit, however long it is.
};
constexpr std::array<Compression, 9> kCompressions{{
    {.tag = COMPRESSION_NONE, .most = 1},
    {.tag = COMPRESSION_PACKBITS, .most = 64},  // two bytes give 128
    {.tag = COMPRESSION_LZW, .most = 4096},     // 12 bits give a string of the table, of at most 4096 bytes
    {.tag = COMPRESSION_DEFLATE, .most = 1032},
    {.tag = COMPRESSION_ADOBE_DEFLATE, .most = 1032},
    {.tag = COMPRESSION_JPEG, .most = 2048},  // a bit a block, and colour at a quarter of the resolution
    {.tag = COMPRESSION_CCITTRLE, .most = {}},
    {.tag = COMPRESSION_CCITTFAX3, .most = {}},
    {.tag = COMPRESSION_CCITTFAX4, .most = {}},
}};

/// The memory that libtiff may take at once; it never needs more than a few rows.
constexpr Index kMaxWorkingBytes = Index{1} << 28;

/// The bytes of a file as libtiff reads them, and what it says about them.
class TiffFile {
 public:
  explicit TiffFile(const Source& source) : source_(source) {
    const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                   TIFFOpenOptionsFree);
    if (options == nullptr) throw std::bad_alloc();
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxWorkingBytes);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, this);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, this);
    tiff_ = TIFFClientOpenExt("", "r", this, on_read, on_write, on_seek, on_close, on_size, on_map, on_unmap,
                              options.get());
    if (tiff_ == nullptr) fail_here();
  }
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;
  ~TiffFile() {
    if (tiff_ != nullptr) TIFFClose(tiff_);
  }

  TIFF* get() const noexcept { return tiff_; }

  /// A number in the directory; its default, or 0, when it is not there.
  template <class T>
  Index number(std::uint32_t tag) const {
    T value = 0;
    return TIFFGetFieldDefaulted(tiff_, tag, &value) != 0 ? Index{value} : 0;
  }

  bool lost_pixels() const noexcept { return lost_pixels_; }

  [[noreturn]] void fail_here() const {
    const std::string_view text = message_.data();
    fail(source_, {.offset = {}, .expected = "a whole TIFF image", .got = std::string(text.empty() ? "damage" : text)});
  }

 private:
  static TiffFile& self(thandle_t handle) { return *static_cast<TiffFile*>(handle); }

  static tmsize_t on_read(thandle_t handle, void* target, tmsize_t count) {
    TiffFile& file = self(handle);
    const Index there = std::max<Index>(file.source_.size() - file.position_, 0);
    const Index taken = std::clamp<Index>(count, 0, there);
    if (taken > 0) std::memcpy(target, file.source_.bytes.data() + file.position_, usize(taken));
    file.position_ += taken;
    return taken;
  }
  static tmsize_t on_write(thandle_t /*handle*/, void* /*source*/, tmsize_t /*count*/) { return -1; }
  static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
    TiffFile& file = self(handle);
    const Index start = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.position_ : file.source_.size();
    const auto position = checked_add(start, static_cast<Index>(offset));
    if (!position || *position < 0) return static_cast<toff_t>(-1);
    file.position_ = *position;
    return static_cast<toff_t>(file.position_);
  }
  static int on_close(thandle_t /*handle*/) { return 0; }
  static toff_t on_size(thandle_t handle) { return static_cast<toff_t>(self(handle).source_.size()); }
  static int on_map(thandle_t handle, void** base, toff_t* size) {
    // libtiff only reads what it maps, though its type does not say so.
    *base = const_cast<std::byte*>(self(handle).source_.bytes.data());
    *size = on_size(handle);
    return 1;
  }
  static void on_unmap(thandle_t /*handle*/, void* /*base*/, toff_t /*size*/) {}

  __attribute__((format(printf, 4, 0))) static int on_error(TIFF* /*tiff*/, void* user, const char* /*module*/,
                                                            const char* format, va_list arguments) {
    auto& message = static_cast<TiffFile*>(user)->message_;
    // The first says what happened; later ones only that it did.
    if (message[0] == '\0') std::vsnprintf(message.data(), message.size(), format, arguments);
    return 1;
  }
  /// Most are about tags that do not matter. The decoders of JPEG and fax go on after damage with invented pixels and a
  /// warning; such a file is refused instead.
  __attribute__((format(printf, 4, 0))) static int on_warning(TIFF* tiff, void* user, const char* module,
                                                              const char* format, va_list arguments) {
    const std::string_view from = module == nullptr ? "" : module;
    if (from == "JPEGLib" || from.starts_with("Fax")) {
      static_cast<TiffFile*>(user)->lost_pixels_ = true;
      on_error(tiff, user, module, format, arguments);
    }
    return 1;
  }

  const Source& source_;
  Index position_ = 0;
  std::array<char, 200> message_{};
  bool lost_pixels_ = false;
  TIFF* tiff_ = nullptr;
};

/// A rectangle of pixels that is compressed by itself: a tile, or a strip of whole rows.
struct Block {
  Index height = 0;
  Index width = 0;
};

class TiffReader {
 public:
  explicit TiffReader(const Source& source) : source_(source), file_(source) {}

  Tensor read() {
    height_ = file_.number<std::uint32_t>(TIFFTAG_IMAGELENGTH);
    width_ = file_.number<std::uint32_t>(TIFFTAG_IMAGEWIDTH);
    require_size(source_, std::nullopt, height_, width_);
    read_compression();
    read_samples();
    read_colors();
    read_alpha();
    const bool tiled = TIFFIsTiled(file_.get()) != 0;
    const Index rows = tiled ? 0 : file_.number<std::uint32_t>(TIFFTAG_ROWSPERSTRIP);
    const Block block = tiled ? Block{.height = file_.number<std::uint32_t>(TIFFTAG_TILELENGTH),
                                      .width = file_.number<std::uint32_t>(TIFFTAG_TILEWIDTH)}
                              : Block{.height = std::min(rows, height_), .width = width_};
    require_size(source_, std::nullopt, block.height, block.width);
    // Tiles are stored whole; the last strip ends with the picture.
    require_data(tiled ? round_up(height_, block.height) * ceil_divide(width_, block.width) * row_bytes(block)
                       : height_ * row_bytes(block));
    image_ = Tensor({height_, width_, channels_}, DType::uint8);
    const Index planes = together_ ? 1 : colors_ + (channels_ == 4 ? 1 : 0);
    for (Index plane = 0; plane < planes; ++plane) read_plane(plane, block, tiled);
    if (premultiplied_) divide_by_alpha();
    return orient(std::move(image_), orientation());
  }

 private:
  void read_compression() {
    const Index tag = file_.number<std::uint16_t>(TIFFTAG_COMPRESSION);
    const auto* const found = std::ranges::find(kCompressions, tag, &Compression::tag);
    if (found == kCompressions.end()) {
      refuse("LZW, Deflate, PackBits, JPEG, CCITT or no compression", fmt::format("compression {}", tag));
    }
    compression_ = *found;
  }

  void read_samples() {
    bits_ = file_.number<std::uint16_t>(TIFFTAG_BITSPERSAMPLE);
    samples_ = file_.number<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL);
    together_ = file_.number<std::uint16_t>(TIFFTAG_PLANARCONFIG) != PLANARCONFIG_SEPARATE;
    const Index format = file_.number<std::uint16_t>(TIFFTAG_SAMPLEFORMAT);
    constexpr std::array<Index, 5> kBits{1, 2, 4, 8, 16};
    if (std::ranges::find(kBits, bits_) == kBits.end()) {
      refuse("1, 2, 4, 8 or 16 bits a sample", fmt::format("{}", bits_));
    }
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
      refuse("unsigned integers as samples", fmt::format("sample format {}", format));
    }
    constexpr Index kMostSamples = 8;
    if (samples_ < 1 || samples_ > kMostSamples) {
      refuse(fmt::format("1 to {} samples a pixel", kMostSamples), fmt::format("{}", samples_));
    }
  }

  void read_colors() {
    std::uint16_t tag = 0;
    if (TIFFGetField(file_.get(), TIFFTAG_PHOTOMETRIC, &tag) == 0) {
      refuse("colours that the file explains", "no photometric interpretation");
    }
    switch (tag) {
      case PHOTOMETRIC_MINISWHITE:
      case PHOTOMETRIC_MINISBLACK:
        colors_ = 1;
        inverted_ = tag == PHOTOMETRIC_MINISWHITE;
        break;
      case PHOTOMETRIC_PALETTE:
        colors_ = 1;
        read_palette();
        break;
      case PHOTOMETRIC_YCBCR:
        // libjpeg converts these; without it they are rare.
        if (compression_.tag != COMPRESSION_JPEG || !together_) refuse("YCbCr as JPEG", "other YCbCr");
        TIFFSetField(file_.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        [[fallthrough]];
      case PHOTOMETRIC_RGB:
        colors_ = 3;
        break;
      default:
        refuse("grey, RGB, palette or YCbCr colours", fmt::format("photometric interpretation {}", tag));
    }
    if (samples_ < colors_) {
      refuse(fmt::format("at least {} samples a pixel", colors_), fmt::format("{}", samples_));
    }
  }

  /// The entries are of 16 bits, but some writers fill in 0..255.
  void read_palette() {
    std::array<std::uint16_t*, 3> map{};
    if (bits_ > 8 || TIFFGetField(file_.get(), TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]) == 0) {
      refuse("a palette of at most 8 bits", fmt::format("one of {} bits, or none", bits_));
    }
    const std::size_t size = std::size_t{1} << bits_;
    bool small = true;
    for (const std::uint16_t* entries : map) {
      small = small && std::ranges::all_of(std::span(entries, size), [](std::uint16_t entry) { return entry < 256; });
    }
    palette_.resize(size);
    for (std::size_t i = 0; i < size; ++i) {
      const auto byte = [&](std::size_t c) { return static_cast<std::uint8_t>(small ? map[c][i] : map[c][i] >> 8); };
      palette_[i] = {.red = byte(0), .green = byte(1), .blue = byte(2)};
    }
  }

  void read_alpha() {
    std::uint16_t count = 0;
    const std::uint16_t* kinds = nullptr;
    TIFFGetFieldDefaulted(file_.get(), TIFFTAG_EXTRASAMPLES, &count, &kinds);
    const bool alpha = samples_ > colors_ && count > 0 && kinds[0] != EXTRASAMPLE_UNSPECIFIED;
    premultiplied_ = alpha && kinds[0] == EXTRASAMPLE_ASSOCALPHA;
    channels_ = alpha ? 4 : colors_ == 3 || !palette_.empty() ? 3 : 1;
  }

  Index row_bytes(const Block& block) const { return ceil_divide(block.width * samples_in_block() * bits_, 8); }
  Index samples_in_block() const { return together_ ? samples_ : 1; }

  void require_data(Index plane_bytes) const {
    if (!compression_.most) return;
    const Index least = plane_bytes / *compression_.most * (together_ ? 1 : samples_);
    if (least <= source_.size()) return;
    fail(source_, {.offset = source_.size(),
                   .expected = fmt::format("at least {} bytes for {} x {} pixels", least, height_, width_),
                   .got = "the end of the file"});
  }

  void read_plane(Index plane, const Block& block, bool tiled) {
    std::vector<std::uint8_t> bytes(usize(block.height * row_bytes(block)));
    for (Index top = 0; top < height_; top += block.height) {
      for (Index left = 0; left < width_; left += block.width) {
        const Block inside{.height = std::min(block.height, height_ - top),
                           .width = std::min(block.width, width_ - left)};
        read_block(plane, top, left, tiled,
                   tiled ? bytes : std::span(bytes).first(usize(inside.height * row_bytes(block))));
        for (Index y = 0; y < inside.height; ++y) {
          const std::uint8_t* const row = bytes.data() + y * row_bytes(block);
          store_row(plane, top + y, left, inside.width, row);
        }
      }
    }
  }

  void read_block(Index plane, Index top, Index left, bool tiled, std::span<std::uint8_t> bytes) {
    const auto number = [](Index value) { return static_cast<std::uint32_t>(value); };
    const auto sample = static_cast<std::uint16_t>(plane);
    const auto size = static_cast<tmsize_t>(bytes.size());
    TIFF* const tiff = file_.get();
    const tmsize_t got =
        tiled
            ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, number(left), number(top), 0, sample), bytes.data(), size)
            : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, number(top), sample), bytes.data(), size);
    if (got != size || file_.lost_pixels()) file_.fail_here();
  }

  /// The samples of `count` pixels of one row, from column `left` on; they start with sample number `plane`.
  void store_row(Index plane, Index y, Index left, Index count, const std::uint8_t* row) {
    std::uint8_t* const target = image_.uint8s().data() + (y * width_ + left) * channels_;
    const Index step = samples_in_block();
    const bool as_stored = bits_ == 8 && step == channels_ && palette_.empty() && !inverted_;
    if (as_stored && together_ && colors_ + (channels_ == 4 ? 1 : 0) == channels_) {
      std::copy_n(row, count * channels_, target);
      return;
    }
    for (Index s = 0; s < step; ++s) {
      const Index sample = plane + s;
      if (sample > colors_ || (sample == colors_ && channels_ != 4)) continue;
      for (Index x = 0; x < count; ++x) store(sample, value_at(row, x * step + s), target + x * channels_);
    }
  }

  /// Sample `i` of a row as the file has it; of 16 bits the high byte.
  unsigned value_at(const std::uint8_t* row, Index i) const noexcept {
    if (bits_ == 8) return row[i];
    if (bits_ == 16) {
      std::uint16_t value = 0;
      std::memcpy(&value, row + 2 * i, sizeof(value));
      return value >> 8U;
    }
    const auto bits = static_cast<unsigned>(bits_);
    const auto bit = static_cast<unsigned>(i * bits_ % 8);
    return (unsigned{row[i * bits_ / 8]} >> (8U - bits - bit)) & ((1U << bits) - 1U);
  }

  void store(Index sample, unsigned value, std::uint8_t* pixel) const noexcept {
    if (sample == 0 && !palette_.empty()) {
      const Rgb color = palette_[value];
      pixel[0] = color.red;
      pixel[1] = color.green;
      pixel[2] = color.blue;
      return;
    }
    const unsigned most = bits_ >= 8 ? 255U : (1U << static_cast<unsigned>(bits_)) - 1U;
    auto level = static_cast<std::uint8_t>(value * 255U / most);
    if (sample == colors_) {
      pixel[3] = level;
    } else if (colors_ == 3) {
      pixel[sample] = level;
    } else {
      if (inverted_) level = static_cast<std::uint8_t>(255 - level);
      std::fill_n(pixel, channels_ == 4 ? 3 : 1, level);
    }
  }

  void divide_by_alpha() {
    const auto values = image_.uint8s();
    for (std::size_t i = 0; i < values.size(); i += 4) {
      const int alpha = values[i + 3];
      if (alpha == 0) continue;
      for (std::size_t c = i; c < i + 3; ++c) {
        values[c] = static_cast<std::uint8_t>(std::min(values[c] * 255 / alpha, 255));
      }
    }
  }

  int orientation() const {
    const Index value = file_.number<std::uint16_t>(TIFFTAG_ORIENTATION);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }

  [[noreturn]] void refuse(std::string expected, std::string got) const {
    fail(source_, {.offset = {}, .expected = std::move(expected), .got = std::move(got), .fix = kConvert});
  }

  const Source& source_;
  TiffFile file_;
  Index height_ = 0, width_ = 0;
  Compression compression_{};
  Index bits_ = 8;
  Index samples_ = 1;     ///< Of a pixel: colours, then alpha, then what is passed over.
  bool together_ = true;  ///< The samples of a pixel lie beside each other; otherwise each kind has a plane of its own.
  Index colors_ = 1;      ///< Samples that are colours.
  bool inverted_ = false;
  std::vector<Rgb> palette_;  ///< Empty unless the one colour is an index.
  bool premultiplied_ = false;
  Index channels_ = 1;
  Tensor image_;
};

bool recognises(std::span<const std::byte> bytes) noexcept {
  return starts_with(bytes, {"II*\0", 4}) || starts_with(bytes, {"MM\0*", 4}) || starts_with(bytes, {"II+\0", 4}) ||
         starts_with(bytes, {"MM\0+", 4});
}

Tensor decode(const Source& source) { return TiffReader(source).read(); }

}  // namespace

const Format kTiff{.name = "TIFF", .recognises = recognises, .decode = decode};

}  // namespace saccade::formats
