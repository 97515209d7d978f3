#pragma once
#include <cstddef>
#include <filesystem>
#include <vector>

#include "saccade/image/image.h"

namespace saccade {

struct PngOptions {
  int compression = 6;  ///< 0 (none) to 9 (smallest, slowest); never changes the pixels.
};

/// The image as a PNG file: 8-bit grey, RGB or RGBA, lossless.
std::vector<std::byte> encode_png(const Tensor& image, const PngOptions& options = {});

struct JpegOptions {
  int quality = 90;              ///< 1 (smallest) to 100 (best), libjpeg's scale.
  bool subsample_chroma = true;  ///< Store colour at half the resolution (4:2:0).
};

/// The image as a baseline JPEG file: grey, or YCbCr for RGB; lossy. Throws ValueError for RGBA, which JPEG cannot hold, for
/// sides above 65500 pixels, and for a quality outside 1..100.
std::vector<std::byte> encode_jpeg(const Tensor& image, const JpegOptions& options = {});

struct WebpOptions {
  int quality = 80;       ///< 0 (smallest) to 100 (best), libwebp's scale; without effect when lossless.
  bool lossless = false;  ///< Keep every pixel, the invisible ones too.
};

/// The image as a WebP file: RGB (which grey becomes) or RGBA. Throws ValueError for sides above 16383 pixels, and for a
/// quality outside 0..100.
std::vector<std::byte> encode_webp(const Tensor& image, const WebpOptions& options = {});

/// The image as a raw PGM (grey, "P5") or PPM (RGB, "P6") file, lossless. Throws ValueError for RGBA.
std::vector<std::byte> encode_pnm(const Tensor& image);

/// encode_png() to a file, which appears whole or not at all. Throws SystemError when it cannot be written.
void write_png(const std::filesystem::path& path, const Tensor& image, const PngOptions& options = {});

/// Writes the format that the name ends in: .png, .jpg, .jpeg, .webp, .ppm, .pgm or .pnm (any case), with default options.
/// A .ppm is of colour (which grey becomes), a .pgm is grey, a .pnm is either. The file appears whole or not at all. Throws
/// ValueError for any other ending, and for a picture with colour as .pgm.
void write_image(const std::filesystem::path& path, const Tensor& image);

/// Throws ValueError where write_image() would for the name alone, so that a program need not work first to find out.
void require_image_ending(const std::filesystem::path& path);

}  // namespace saccade
