// Any bytes are either decoded to an image within the limits or refused with a FormatError, in full size and in the smallest
// that the format has.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "saccade/base/error.h"
#include "saccade/image/decode.h"

namespace {

void decode_at_least(std::span<const std::byte> bytes, saccade::Index min_side) {
  constexpr saccade::DecodeLimits kLimits{.max_pixels = 1 << 16, .max_file_bytes = 1 << 20, .max_jpeg_scans = 20};
  try {
    const saccade::Tensor image =
        saccade::decode(bytes, "fuzz", {.limits = kLimits, .min_height = min_side, .min_width = min_side});
    const saccade::ImageSize found = saccade::image_size(image, "fuzz");
    if (found.height * found.width > kLimits.max_pixels) std::abort();
  } catch (const saccade::FormatError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  decode_at_least(bytes, 0);
  if (saccade::image_format(bytes) == "JPEG") decode_at_least(bytes, 1);
  return 0;
}
