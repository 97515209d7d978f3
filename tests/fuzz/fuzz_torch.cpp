// Any bytes are either read as a checkpoint of PyTorch's, or refused with a FormatError. What is read is no larger than the
// file is worth.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "saccade/base/error.h"
#include "saccade/io/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    saccade::Index numbers = 0;
    for (const auto& [name, tensor] : saccade::read_torch(std::as_bytes(std::span(data, size)), "input")) {
      numbers += tensor.elements();
    }
    if (numbers > (1 << 22) + 4 * saccade::isize(size)) std::abort();
  } catch (const saccade::FormatError&) {
  }
  return 0;
}
