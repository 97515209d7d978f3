#include "saccade/image/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/image/color.h"

namespace saccade {
namespace {

using Bytes = std::vector<std::byte>;

Bytes encode_pgm(const Tensor& image) {
  if (image_size(image, "write_image").channels != 1) {
    throw ValueError({.where = "write_image",
                      .expected = "a grey picture for a .pgm",
                      .got = "one with colour",
                      .fix = "turn it grey first, or end the name in .ppm or .png"});
  }
  return encode_pnm(image);
}

Bytes encode_ppm(const Tensor& image) {
  const bool grey = image_size(image, "write_image").channels == 1;
  return encode_pnm(grey ? convert_color(image, ColorMode::rgb) : image);
}

struct Encoder {
  std::string_view ending;
  Bytes (*encode)(const Tensor& image);
};
constexpr std::array kEncoders{Encoder{".png", [](const Tensor& image) { return encode_png(image); }},
                               Encoder{".jpg", [](const Tensor& image) { return encode_jpeg(image); }},
                               Encoder{".jpeg", [](const Tensor& image) { return encode_jpeg(image); }},
                               Encoder{".webp", [](const Tensor& image) { return encode_webp(image); }},
                               Encoder{".ppm", encode_ppm},
                               Encoder{".pgm", encode_pgm},
                               Encoder{".pnm", encode_pnm}};

auto encoder_of(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  for (const Encoder& encoder : kEncoders) {
    if (encoder.ending == ending) return encoder.encode;
  }
  throw ValueError({.where = path.string(),
                    .expected = "a name that ends in .png, .jpg, .jpeg, .webp, .ppm, .pgm or .pnm",
                    .got = ending.empty() ? "no ending" : fmt::format("'{}'", ending),
                    .fix = "choose one of these endings"});
}

}  // namespace

void write_png(const std::filesystem::path& path, const Tensor& image, const PngOptions& options) {
  write_file(path, encode_png(image, options));
}

void require_image_ending(const std::filesystem::path& path) { static_cast<void>(encoder_of(path)); }

void write_image(const std::filesystem::path& path, const Tensor& image) { write_file(path, encoder_of(path)(image)); }

}  // namespace saccade
