#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "saccade/image/image.h"

namespace saccade {

/// What a file from anywhere may ask for. Sizes in its header are held against these before memory is taken.
struct DecodeLimits {
  Index max_pixels = Index{1} << 28;      ///< Height times width.
  Index max_file_bytes = Index{1} << 30;  ///< Size of the encoded image.
  int max_jpeg_scans = 500;               ///< Passes of a progressive JPEG; a small file may ask for thousands.
};

struct DecodeOptions {
  DecodeLimits limits = {};
  /// The smallest size that still serves, of the upright picture (EXIF orientation applied). A JPEG is decoded at 1/8, 1/4
  /// or 1/2 of its size, which takes far less time, when both sides, rounded up, stay at least these; the caller resizes
  /// it the rest of the way. Other formats come in full size; so does everything when one of the two is 0.
  Index min_height = 0;
  Index min_width = 0;
};

/// The image in `bytes`, whose format is told by the first bytes, not by the name:
///   PNG   grey and palette of any depth, 8 and 16 bits (the high byte is kept, as Pillow does), alpha, interlaced.
///         Grey with alpha becomes RGBA.
///   JPEG  baseline, progressive and arithmetic; grey, YCbCr, RGB, and CMYK as Adobe stores it
///   WebP  lossy, lossless and alpha; of an animation the first frame, pixels outside it being (0, 0, 0, 0)
///   TIFF  the first page: grey, RGB and palette of 1, 2, 4, 8 and 16 bits (the high byte is kept), alpha (divided out where
///         colours come premultiplied; grey with alpha becomes RGBA), YCbCr as JPEG; strips and tiles, planes together or
///         apart; LZW, Deflate, PackBits, JPEG, CCITT or uncompressed
///   BMP   1, 4, 8, 16, 24 and 32 bits, uncompressed
///   GIF   the first frame; transparent pixels and those outside it are (0, 0, 0, 0)
///   PNM   P1 to P6, plain and raw, any maximum up to 65535 (scaled to 255)
/// The EXIF orientation of JPEG, PNG and WebP and that of TIFF are applied. Fully opaque GIFs and BMPs without an alpha mask
/// have 3 channels.
///
/// `name` stands in error messages. Throws FormatError, naming file, byte offset where the decoder knows it, and
/// reason, for an unknown format, a truncated or damaged file, and one beyond the limits (which its full size is held
/// against); nothing is leaked. Throws ValueError for a negative min_height or min_width.
/// Safe to call from several threads at once.
Tensor decode(std::span<const std::byte> bytes, std::string_view name, const DecodeOptions& options = {});

/// decode() of a file. Throws SystemError when it cannot be read.
Tensor read_image(const std::filesystem::path& path, const DecodeOptions& options = {});

/// Name of the format that decode() would choose: "PNG", "JPEG", "WebP", "TIFF", "BMP", "GIF", "PNM"; "" when it knows none.
std::string_view image_format(std::span<const std::byte> bytes) noexcept;

}  // namespace saccade
