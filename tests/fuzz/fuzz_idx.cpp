// Any bytes at all: the IDX reader gives a tensor that encodes to the same content, or throws FormatError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "saccade/base/error.h"
#include "saccade/data/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const saccade::Tensor tensor = saccade::data::read_idx(bytes, "fuzz.idx", {.content_bytes = 1 << 20});
    const saccade::Tensor again = saccade::data::read_idx(saccade::data::encode_idx(tensor), "again.idx");
    if (again.shape() != tensor.shape()) std::abort();
  } catch (const saccade::FormatError&) {
    // What a malformed file must lead to.
  }
  return 0;
}
