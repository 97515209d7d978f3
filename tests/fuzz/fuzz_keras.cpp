// The input is taken for a model as Keras describes it in JSON, of both versions: it is refused with a FormatError, or becomes
// a graph.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "saccade/base/error.h"
#include "saccade/io/keras/import_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using saccade::internal::KerasVersion;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const KerasVersion version : {KerasVersion::two, KerasVersion::three}) {
    try {
      saccade::internal::import_keras(saccade::internal::parse_keras_config(text, "input"), version, "input");
    } catch (const saccade::FormatError&) {
    }
  }
  return 0;
}
