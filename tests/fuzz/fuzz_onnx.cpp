// The input is taken for an ONNX network, and for one ONNX tensor: each is refused with an Error, or read.
#include <cstddef>
#include <cstdint>
#include <span>

#include "saccade/base/error.h"
#include "saccade/io/onnx.h"
#include "saccade/io/onnx/graph_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    saccade::read_onnx(bytes, "input");
  } catch (const saccade::Error&) {
  }
  try {
    saccade::internal::read_onnx_tensor(bytes, "input");
  } catch (const saccade::Error&) {
  }
  return 0;
}
