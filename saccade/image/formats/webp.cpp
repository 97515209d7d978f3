#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/image/color.h"
#include "saccade/image/encode.h"
#include "saccade/image/formats/exif_internal.h"
#include "saccade/image/formats/format_internal.h"
#include "saccade/image/orient.h"

namespace saccade::formats {
namespace {

std::string_view text_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      throw std::bad_alloc();
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return "too little data";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "an unknown feature";
    default:
      return "damaged data";
  }
}

class WebpReader {
 public:
  explicit WebpReader(const Source& source) : source_(source) {}
  WebpReader(const WebpReader&) = delete;
  WebpReader& operator=(const WebpReader&) = delete;
  ~WebpReader() {
    WebPDemuxReleaseIterator(&frame_);
    WebPDemuxDelete(file_);
  }

  Tensor read() {
    require_bytes(source_, 8 + Index{little_endian(source_.bytes, 4, 4)}, "the image");
    const WebPData data{reinterpret_cast<const std::uint8_t*>(source_.bytes.data()), source_.bytes.size()};
    file_ = WebPDemux(&data);
    if (file_ == nullptr) fail_with("damaged chunks");
    const Index height = WebPDemuxGetI(file_, WEBP_FF_CANVAS_HEIGHT);
    const Index width = WebPDemuxGetI(file_, WEBP_FF_CANVAS_WIDTH);
    require_size(source_, std::nullopt, height, width);
    if (WebPDemuxGetFrame(file_, 1, &frame_) == 0) fail_with("no frame");
    return orient(read_frame(height, width), orientation());
  }

 private:
  /// The first frame, at its place on a canvas of that size.
  Tensor read_frame(Index height, Index width) const {
    WebPDecoderConfig config;
    if (WebPInitDecoderConfig(&config) == 0) fail_with("a libwebp of another version");
    require(WebPGetFeatures(frame_.fragment.bytes, frame_.fragment.size, &config.input));
    const Index top = frame_.y_offset, left = frame_.x_offset;
    if (top < 0 || left < 0 || top + config.input.height > height || left + config.input.width > width) {
      fail_with("a frame that leaves the canvas");
    }
    const bool covered = config.input.height == height && config.input.width == width;
    const bool alpha = config.input.has_alpha != 0 || !covered;
    Tensor image({height, width, alpha ? 4 : 3}, DType::uint8);
    const Index stride = width * image.shape()[2];
    const Index offset = top * stride + left * image.shape()[2];
    config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = image.uint8s().data() + offset;
    config.output.u.RGBA.stride = static_cast<int>(stride);
    config.output.u.RGBA.size = usize(image.elements() - offset);
    require(WebPDecode(frame_.fragment.bytes, frame_.fragment.size, &config));
    return image;
  }

  int orientation() const {
    constexpr std::string_view kExif{"Exif\0\0", 6};
    WebPChunkIterator chunk{};
    int found = 1;
    if (WebPDemuxGetChunk(file_, "EXIF", 1, &chunk) != 0) {
      auto exif = std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size));
      if (starts_with(exif, kExif)) exif = exif.subspan(kExif.size());  // Some writers copy JPEG's marker.
      found = exif_orientation(exif);
    }
    WebPDemuxReleaseChunkIterator(&chunk);
    return found;
  }

  void require(VP8StatusCode status) const {
    if (status != VP8_STATUS_OK) fail_with(text_of(status));
  }
  [[noreturn]] void fail_with(std::string_view got) const {
    fail(source_, {.offset = {}, .expected = "a whole WebP image", .got = std::string(got)});
  }

  const Source& source_;
  WebPDemuxer* file_ = nullptr;
  WebPIterator frame_{};
};

bool recognises(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= 12 && starts_with(bytes, "RIFF") && starts_with(bytes.subspan(8), "WEBP");
}

Tensor decode(const Source& source) { return WebpReader(source).read(); }

class WebpWriter {
 public:
  WebpWriter() {
    WebPMemoryWriterInit(&bytes_);
    if (WebPPictureInit(&picture_) == 0) throw std::bad_alloc();
  }
  WebpWriter(const WebpWriter&) = delete;
  WebpWriter& operator=(const WebpWriter&) = delete;
  ~WebpWriter() {
    WebPPictureFree(&picture_);
    WebPMemoryWriterClear(&bytes_);
  }

  std::vector<std::byte> write(const Tensor& image, const WebpOptions& options) {
    WebPConfig config;
    bool done = WebPConfigPreset(&config, WEBP_PRESET_DEFAULT, static_cast<float>(options.quality)) != 0;
    config.lossless = options.lossless ? 1 : 0;
    config.exact = config.lossless;
    picture_.use_argb = config.lossless;
    picture_.height = static_cast<int>(image.shape()[0]);
    picture_.width = static_cast<int>(image.shape()[1]);
    picture_.writer = WebPMemoryWrite;
    picture_.custom_ptr = &bytes_;
    const std::uint8_t* const pixels = image.uint8s().data();
    const int stride = static_cast<int>(image.shape()[1] * image.shape()[2]);
    const auto import = image.shape()[2] == 3 ? WebPPictureImportRGB : WebPPictureImportRGBA;
    done = done && import(&picture_, pixels, stride) != 0 && WebPEncode(&config, &picture_) != 0;
    if (!done && picture_.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (!done) {
      throw ValueError({.where = "encode_webp",
                        .expected = "an image that WebP can hold",
                        .got = fmt::format("libwebp's error {}", static_cast<int>(picture_.error_code)),
                        .fix = "shrink the image, or write a PNG"});
    }
    const auto* const first = reinterpret_cast<const std::byte*>(bytes_.mem);
    return {first, first + bytes_.size};
  }

 private:
  WebPPicture picture_;
  WebPMemoryWriter bytes_;
};

}  // namespace

const Format kWebp{.name = "WebP", .recognises = recognises, .decode = decode};

}  // namespace saccade::formats

namespace saccade {

std::vector<std::byte> encode_webp(const Tensor& image, const WebpOptions& options) {
  const ImageSize size = image_size(image, "encode_webp");
  if (options.quality < 0 || options.quality > 100) {
    throw ValueError({.where = "encode_webp",
                      .expected = "a quality from 0 to 100",
                      .got = fmt::format("{}", options.quality),
                      .fix = "80 suits photographs"});
  }
  if (size.height > WEBP_MAX_DIMENSION || size.width > WEBP_MAX_DIMENSION) {
    throw ValueError({.where = "encode_webp",
                      .expected = fmt::format("at most {} pixels a side", WEBP_MAX_DIMENSION),
                      .got = fmt::format("{} x {}", size.height, size.width),
                      .fix = "shrink the image, or write a PNG"});
  }
  if (size.channels == 1) return formats::WebpWriter().write(convert_color(image, ColorMode::rgb), options);
  return formats::WebpWriter().write(image, options);
}

}  // namespace saccade
