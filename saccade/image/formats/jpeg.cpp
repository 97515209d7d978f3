#include <fmt/format.h>

// jpeglib.h needs FILE and size_t, and its settings decide which codes jerror.h has.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>
#include <memory>
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

// libjpeg wants its error handler never to return. It leaves by longjmp, which must not skip a destructor: so each stage
// that calls libjpeg is a method with no local that has one, and everything that lives longer is a member.

/// libjpeg's error manager (the first member, so that libjpeg's pointer to it is one to this) and the way back.
struct Errors {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  std::array<char, JMSG_LENGTH_MAX> message{};

  Errors() {
    jpeg_std_error(&manager);
    manager.error_exit = [](j_common_ptr info) {
      auto* const self = reinterpret_cast<Errors*>(info->err);
      self->manager.format_message(info, self->message.data());
      std::longjmp(self->back, 1);
    };
    manager.emit_message = [](j_common_ptr info, int level) {
      if (level < 0 && loses_pixels(info->err->msg_code)) info->err->error_exit(info);
    };
    manager.output_message = [](j_common_ptr /*info*/) {};
  }

 private:
  /// libjpeg goes on after damage with invented pixels and a warning; such a file is refused instead. Warnings about
  /// padding and odd headers, which are common in good photographs, are passed over.
  static bool loses_pixels(int code) {
    return code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR;
  }
};

/// Fails once a progressive file asks for more passes than are allowed.
struct ScanLimit {
  jpeg_progress_mgr manager{};
  int limit;

  explicit ScanLimit(int max_scans) : limit(max_scans) {
    manager.progress_monitor = [](j_common_ptr info) {
      const auto* const self = reinterpret_cast<const ScanLimit*>(info->progress);
      if (!info->is_decompressor) return;
      if (reinterpret_cast<jpeg_decompress_struct*>(info)->input_scan_number <= self->limit) return;
      auto* const errors = reinterpret_cast<Errors*>(info->err);
      fmt::format_to_n(errors->message.data(), errors->message.size() - 1, "more than {} scans", self->limit);
      std::longjmp(errors->back, 1);
    };
  }
};

class JpegReader {
 public:
  explicit JpegReader(const Source& source) : source_(source), scan_limit_(source.limits.max_jpeg_scans) {
    info_.err = &errors_.manager;
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info_); }

  Tensor read() {
    if (!read_header()) fail_here();
    require_size(source_, std::nullopt, info_.image_height, info_.image_width);
    require_data(Index{info_.image_height} * info_.image_width);
    const int turned = orientation();  // libjpeg drops its markers with the last row.
    if (!choose_scale(turned)) fail_here();
    const Index width = info_.output_width;
    Tensor image({Index{info_.output_height}, width, info_.out_color_space == JCS_GRAYSCALE ? 1 : 3}, DType::uint8);
    if (info_.out_color_space == JCS_CMYK) inks_.resize(usize(width) * 4);
    if (!read_pixels(image.uint8s().data())) fail_here();
    return orient(std::move(image), turned);
  }

 private:
  bool read_header() noexcept {
    if (setjmp(errors_.back) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &scan_limit_.manager;
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(source_.bytes.data()),
                 static_cast<unsigned long>(source_.bytes.size()));
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info_, TRUE);
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE:
        info_.out_color_space = JCS_GRAYSCALE;
        break;
      case JCS_CMYK:
      case JCS_YCCK:
        info_.out_color_space = JCS_CMYK;
        break;
      default:
        info_.out_color_space = JCS_RGB;
    }
    return true;
  }

  /// A Huffman code has at least one bit and every block of 8 x 8 pixels at least one code, so the file's size bounds
  /// the pixels it can hold. Arithmetic coding has no such bound.
  void require_data(Index pixels) const {
    constexpr Index kPixelsPerByte = 8 * 64;
    if (info_.arith_code || pixels / kPixelsPerByte <= source_.size()) return;
    fail(source_, {.offset = source_.size(),
                   .expected = fmt::format("at least {} bytes for {} x {} pixels", pixels / kPixelsPerByte,
                                           info_.image_height, info_.image_width),
                   .got = "the end of the file"});
  }

  /// Sets the smallest scale of 1/8, 1/4, 1/2 and 1 at which both sides suffice, and thereby the size of the output.
  bool choose_scale(int exif_orientation) noexcept {
    if (setjmp(errors_.back) != 0) return false;
    const DecodeOptions& options = source_.options;
    const bool transposed = exif_orientation >= 5;
    const Index min_height = transposed ? options.min_width : options.min_height;
    const Index min_width = transposed ? options.min_height : options.min_width;
    info_.scale_denom = 8;
    info_.scale_num = min_height == 0 || min_width == 0 ? 8 : 1;
    for (;; info_.scale_num *= 2) {
      jpeg_calc_output_dimensions(&info_);
      if (info_.scale_num == 8 || (info_.output_height >= min_height && info_.output_width >= min_width)) return true;
    }
  }

  bool read_pixels(std::uint8_t* target) noexcept {
    if (setjmp(errors_.back) != 0) return false;
    jpeg_start_decompress(&info_);
    const std::size_t row_bytes = inks_.empty() ? std::size_t{info_.output_width} * usize(info_.output_components)
                                                : std::size_t{info_.output_width} * 3;
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = target + info_.output_scanline * row_bytes;
      if (inks_.empty()) {
        jpeg_read_scanlines(&info_, &row, 1);
      } else {
        JSAMPROW inks = inks_.data();
        jpeg_read_scanlines(&info_, &inks, 1);
        inks_to_rgb(row);
      }
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  /// One row of CMYK, stored inverted as Adobe does, by Pillow's rule: R = (255 - K) - C (255 - K) / 255.
  void inks_to_rgb(std::uint8_t* row) const noexcept {
    for (std::size_t i = 0; i < inks_.size(); i += 4) {
      const int paper = inks_[i + 3];
      for (std::size_t c = 0; c < 3; ++c) {
        const int product = (255 - inks_[i + c]) * paper + 128;
        *row++ = static_cast<std::uint8_t>(std::clamp(paper - (((product >> 8) + product) >> 8), 0, 255));
      }
    }
  }

  int orientation() const {
    constexpr std::string_view kExif{"Exif\0\0", 6};
    for (const jpeg_marker_struct* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const auto bytes = std::as_bytes(std::span(marker->data, marker->data_length));
      if (starts_with(bytes, kExif)) return exif_orientation(bytes.subspan(kExif.size()));
    }
    return 1;
  }

  [[noreturn]] void fail_here() const {
    Index offset = source_.size();
    const bool at_end = errors_.manager.msg_code == JWRN_JPEG_EOF;
    if (info_.src != nullptr && !at_end) offset -= isize(info_.src->bytes_in_buffer);
    fail(source_, {.offset = offset, .expected = "a whole JPEG image", .got = errors_.message.data()});
  }

  const Source& source_;
  Errors errors_;
  ScanLimit scan_limit_;
  jpeg_decompress_struct info_{};
  std::vector<std::uint8_t> inks_;  ///< One row of a CMYK picture; empty for other pictures.
};

bool recognises(std::span<const std::byte> bytes) noexcept { return starts_with(bytes, "\xff\xd8\xff"); }

Tensor decode(const Source& source) { return JpegReader(source).read(); }

class JpegWriter {
 public:
  JpegWriter() { info_.err = &errors_.manager; }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);
  }

  std::vector<std::byte> write(const ImageSize& size, const std::uint8_t* pixels, const JpegOptions& options) {
    if (!write_all(size, pixels, options)) {
      throw ValueError({.where = "encode_jpeg",
                        .expected = "an image that JPEG can hold",
                        .got = errors_.message.data(),
                        .fix = "shrink the image, or write a PNG"});
    }
    const auto* const first = reinterpret_cast<const std::byte*>(bytes_);
    return {first, first + size_};
  }

 private:
  bool write_all(const ImageSize& size, const std::uint8_t* pixels, const JpegOptions& options) noexcept {
    if (setjmp(errors_.back) != 0) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &bytes_, &size_);
    info_.image_height = static_cast<JDIMENSION>(size.height);
    info_.image_width = static_cast<JDIMENSION>(size.width);
    info_.input_components = static_cast<int>(size.channels);
    info_.in_color_space = size.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, options.quality, TRUE);
    if (size.channels == 3 && !options.subsample_chroma) {
      info_.comp_info[0].h_samp_factor = 1;
      info_.comp_info[0].v_samp_factor = 1;
    }
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      // libjpeg only reads the row, though its type does not say so.
      auto* row = const_cast<std::uint8_t*>(pixels + info_.next_scanline * size.width * size.channels);
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  Errors errors_;
  jpeg_compress_struct info_{};
  unsigned char* bytes_ = nullptr;  ///< Allocated with malloc by jpeg_mem_dest.
  unsigned long size_ = 0;
};

}  // namespace

const Format kJpeg{.name = "JPEG", .recognises = recognises, .decode = decode};

}  // namespace saccade::formats

namespace saccade {

std::vector<std::byte> encode_jpeg(const Tensor& image, const JpegOptions& options) {
  const ImageSize size = image_size(image, "encode_jpeg");
  if (size.channels == 4) {
    throw ValueError({.where = "encode_jpeg",
                      .expected = "a grey or RGB image",
                      .got = "one with alpha",
                      .fix = "convert it with convert_color, or write a PNG"});
  }
  if (options.quality < 1 || options.quality > 100) {
    throw ValueError({.where = "encode_jpeg",
                      .expected = "a quality from 1 to 100",
                      .got = fmt::format("{}", options.quality),
                      .fix = "90 suits photographs"});
  }
  if (size.height > JPEG_MAX_DIMENSION || size.width > JPEG_MAX_DIMENSION) {
    throw ValueError({.where = "encode_jpeg",
                      .expected = fmt::format("at most {} pixels a side", JPEG_MAX_DIMENSION),
                      .got = fmt::format("{} x {}", size.height, size.width),
                      .fix = "shrink the image, or write a PNG"});
  }
  return formats::JpegWriter().write(size, image.uint8s().data(), options);
}

}  // namespace saccade
