// The input is taken for a file of Keras's, .h5 or .keras: it is refused with a FormatError, or read, and what was read is
// written and read again. HDF5's own library hangs over some inputs and crashes over others, in its own process.
#include <cstddef>
#include <cstdint>
#include <span>

#include "saccade/base/error.h"
#include "saccade/io/keras.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const saccade::Model model = saccade::read_keras(std::as_bytes(std::span(data, size)), "input");
    saccade::read_keras(saccade::encode_keras(model, saccade::KerasFormat::keras), "again");
  } catch (const saccade::FormatError&) {
  } catch (const saccade::ValueError&) {
    // What Keras 3 has no name for, among what Keras 2 has.
  }
  return 0;
}
