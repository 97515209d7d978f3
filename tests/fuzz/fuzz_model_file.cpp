// The input is taken for the architecture of a saved network: it is refused with a FormatError, or gives a network that is
// saved and read again unchanged. The same bytes are also taken for a whole file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "saccade/base/error.h"
#include "saccade/base/integer.h"
#include "saccade/io/architecture_internal.h"
#include "saccade/io/model_file.h"

namespace {

using saccade::FormatError;
using saccade::Index;
using saccade::Model;

/// Numbers in a network's parameters; larger ones are refused here, as a file without them would be.
constexpr Index kMostElements = Index{1} << 16;

std::string encode(const Model& model) {
  std::string bytes;
  saccade::encode_model(model, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

Model read(std::string_view bytes) { return saccade::read_model(std::as_bytes(std::span(bytes)), "input"); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Index elements = 0;
  const auto limit = [&](const std::string& /*layer*/, std::span<const saccade::ParameterSpec> specs) {
    for (const saccade::ParameterSpec& spec : specs) {
      if (spec.shape.elements() > kMostElements - elements) throw FormatError({.where = "a large network"});
      elements += spec.shape.elements();
    }
  };
  try {
    const std::string file = encode(saccade::internal::parse_architecture(bytes, "input", limit));
    if (encode(read(file)) != file) std::abort();
  } catch (const FormatError&) {
  }
  try {
    read(bytes);
  } catch (const FormatError&) {
  }
  return 0;
}
