#include "saccade/image/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "saccade/base/error.h"
#include "saccade/base/file.h"

namespace saccade {

void write_png(const std::filesystem::path& path, const Tensor& image, const PngOptions& options) {
  write_file(path, encode_png(image, options));
}

void write_image(const std::filesystem::path& path, const Tensor& image) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (ending == ".png") {
    write_file(path, encode_png(image));
  } else if (ending == ".jpg" || ending == ".jpeg") {
    write_file(path, encode_jpeg(image));
  } else if (ending == ".webp") {
    write_file(path, encode_webp(image));
  } else if (ending == ".ppm" || ending == ".pgm" || ending == ".pnm") {
    write_file(path, encode_pnm(image));
  } else {
    throw ValueError({.where = path.string(),
                      .expected = "a name that ends in .png, .jpg, .jpeg, .webp, .ppm, .pgm or .pnm",
                      .got = ending.empty() ? "no ending" : fmt::format("'{}'", ending),
                      .fix = "choose one of these endings"});
  }
}

}  // namespace saccade
