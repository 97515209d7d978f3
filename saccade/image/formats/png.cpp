#include <fmt/format.h>
#include <png.h>

#include <array>
#include <csetjmp>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/image/encode.h"
#include "saccade/image/formats/exif_internal.h"
#include "saccade/image/formats/format_internal.h"
#include "saccade/image/orient.h"

namespace saccade::formats {
namespace {

constexpr std::string_view kMagic{"\x89PNG\r\n\x1a\n", 8};
constexpr Index kSizeOffset = 16;  // Width and height, in the first chunk.

// libpng leaves a failed call by longjmp, which must not skip a destructor. So each stage that calls it is a method with
// no local that has one, and everything that lives longer is a member.

/// Message of libpng's last error, kept where longjmp cannot lose it.
struct Message {
  std::array<char, 200> text{};

  void set(const char* message) noexcept { std::strncpy(text.data(), message, text.size() - 1); }
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  static_cast<Message*>(png_get_error_ptr(png))->set(message);
  png_longjmp(png, 1);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

class PngReader {
 public:
  explicit PngReader(const Source& source)
      : source_(source), png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &message_, on_error, on_warning)) {
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  Tensor read() {
    if (!read_header()) fail_here();
    require_size(source_, kSizeOffset, height_, width_);
    require_data();
    if (!start_pixels()) fail_here();
    Tensor image({height_, width_, channels_}, DType::uint8);
    if (!read_pixels(image.uint8s().data())) fail_here();
    return orient(std::move(image), orientation());
  }

 private:
  static void on_read(png_structp png, png_bytep target, std::size_t count) {
    auto* const self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->source_.bytes.size() - self->position_) {
      self->position_ = self->source_.bytes.size();
      png_error(png, "the end of the file");
    }
    std::memcpy(target, self->source_.bytes.data() + self->position_, count);
    self->position_ += count;
  }

  bool read_header() noexcept {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, this, on_read);
    // Our own limit on the size comes after the header; text and colour profiles, which may inflate to gigabytes, are
    // not kept.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    static const png_byte kIgnored[] = "tEXt\0zTXt\0iTXt\0iCCP\0sPLT";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kIgnored, 5);
    png_read_info(png_, info_);
    height_ = png_get_image_height(png_, info_);
    width_ = png_get_image_width(png_, info_);
    return true;
  }

  /// Deflate shrinks at most 1032 times, so the file's size bounds the pixels it can hold.
  void require_data() const {
    const Index raw_row = isize(png_get_rowbytes(png_, info_)) + 1;
    const Index raw = height_ * raw_row;
    if (raw / 1032 > source_.size()) {
      fail(source_, {.offset = source_.size(),
                     .expected = fmt::format("at least {} bytes for {} x {} pixels", raw / 1032, height_, width_),
                     .got = "the end of the file"});
    }
  }

  bool start_pixels() noexcept {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_expand(png_);    // palettes to colours, 1 to 4 bits to 8, transparent colours to alpha
    png_set_strip_16(png_);  // 16 bits to their high byte
    const int color_type = png_get_color_type(png_, info_);
    const bool alpha = (color_type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
    if ((color_type & PNG_COLOR_MASK_COLOR) == 0 && alpha) png_set_gray_to_rgb(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    channels_ = png_get_channels(png_, info_);
    return true;
  }

  bool read_pixels(std::uint8_t* target) noexcept {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    for (int pass = 0; pass < passes_; ++pass) {
      for (Index y = 0; y < height_; ++y) png_read_row(png_, target + y * width_ * channels_, nullptr);
    }
    png_read_end(png_, info_);
    return true;
  }

  int orientation() const {
    png_bytep exif = nullptr;
    png_uint_32 size = 0;
    if (png_get_eXIf_1(png_, info_, &size, &exif) == 0) return 1;
    return exif_orientation(std::as_bytes(std::span(exif, size)));
  }

  [[noreturn]] void fail_here() const {
    fail(source_, {.offset = isize(position_), .expected = "a whole PNG image", .got = message_.text.data()});
  }

  const Source& source_;
  std::size_t position_ = 0;
  Message message_;
  png_structp png_;
  png_infop info_ = nullptr;
  Index height_ = 0;
  Index width_ = 0;
  Index channels_ = 0;
  int passes_ = 1;
};

bool recognises(std::span<const std::byte> bytes) noexcept { return starts_with(bytes, kMagic); }

Tensor decode(const Source& source) { return PngReader(source).read(); }

class PngWriter {
 public:
  PngWriter() : png_(png_create_write_struct(PNG_LIBPNG_VER_STRING, &message_, on_error, on_warning)) {
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_write_struct(&png_, nullptr);
      throw std::bad_alloc();
    }
  }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }

  std::vector<std::byte> write(const ImageSize& size, const std::uint8_t* pixels, int compression) {
    if (!write_all(size, pixels, compression)) {
      throw ValueError({.where = "encode_png",
                        .expected = "an image that PNG can hold",
                        .got = message_.text.data(),
                        .fix = "shrink the image"});
    }
    return std::move(bytes_);
  }

 private:
  static void on_write(png_structp png, png_bytep source, std::size_t count) {
    auto& bytes = static_cast<PngWriter*>(png_get_io_ptr(png))->bytes_;
    const std::size_t size = bytes.size();
    // An exception must not travel through libpng's frames.
    try {
      bytes.resize(size + count);
    } catch (const std::exception&) {
      png_error(png, "out of memory");
    }
    std::memcpy(bytes.data() + size, source, count);
  }
  static void on_flush(png_structp /*png*/) {}

  bool write_all(const ImageSize& size, const std::uint8_t* pixels, int compression) noexcept {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_write_fn(png_, this, on_write, on_flush);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_compression_level(png_, compression);
    const int color_type = size.channels == 1   ? PNG_COLOR_TYPE_GRAY
                           : size.channels == 3 ? PNG_COLOR_TYPE_RGB
                                                : PNG_COLOR_TYPE_RGB_ALPHA;
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(size.width), static_cast<png_uint_32>(size.height), 8,
                 color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (Index y = 0; y < size.height; ++y) png_write_row(png_, pixels + y * size.width * size.channels);
    png_write_end(png_, nullptr);
    return true;
  }

  Message message_;
  png_structp png_;
  png_infop info_ = nullptr;
  std::vector<std::byte> bytes_;
};

}  // namespace

const Format kPng{.name = "PNG", .recognises = recognises, .decode = decode};

}  // namespace saccade::formats

namespace saccade {

std::vector<std::byte> encode_png(const Tensor& image, const PngOptions& options) {
  const ImageSize size = image_size(image, "encode_png");
  if (options.compression < 0 || options.compression > 9) {
    throw ValueError({.where = "encode_png",
                      .expected = "a compression from 0 to 9",
                      .got = fmt::format("{}", options.compression),
                      .fix = "use 6 for small files, 1 for speed"});
  }
  constexpr Index kMaxSide = PNG_UINT_31_MAX;
  if (size.height > kMaxSide || size.width > kMaxSide) {
    throw ValueError({.where = "encode_png",
                      .expected = fmt::format("at most {} pixels a side", kMaxSide),
                      .got = fmt::format("{} x {}", size.height, size.width),
                      .fix = "shrink the image"});
  }
  return formats::PngWriter().write(size, image.uint8s().data(), options.compression);
}

}  // namespace saccade
