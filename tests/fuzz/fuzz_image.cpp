// Any bytes are either decoded to an image within the limits or refused with a FormatError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "saccade/base/error.h"
#include "saccade/image/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr saccade::DecodeLimits kLimits{.max_pixels = 1 << 16, .max_file_bytes = 1 << 20, .max_jpeg_scans = 20};
  try {
    const saccade::Tensor image = saccade::decode(std::as_bytes(std::span(data, size)), "fuzz", kLimits);
    const saccade::ImageSize found = saccade::image_size(image, "fuzz");
    if (found.height * found.width > kLimits.max_pixels) std::abort();
  } catch (const saccade::FormatError&) {
  }
  return 0;
}
