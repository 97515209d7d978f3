// Any bytes are either read or refused with a FormatError, and what was read is written and read again unchanged.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/io/safetensors.h"

namespace {

using saccade::SafetensorsFile;

std::string encode(const SafetensorsFile& file) {
  std::vector<saccade::TensorEntry> entries;
  for (const auto& [name, tensor] : file.tensors) entries.push_back({name, &tensor});
  std::string bytes;
  saccade::encode_safetensors(entries, file.metadata, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

SafetensorsFile read(std::string_view bytes) {
  return saccade::read_safetensors(std::as_bytes(std::span(bytes)), "input");
}

void check(std::string_view bytes) {
  SafetensorsFile file;
  try {
    file = read(bytes);
  } catch (const saccade::FormatError&) {
    return;
  }
  const std::string encoded = encode(file);
  const SafetensorsFile again = read(encoded);
  if (again.metadata != file.metadata || again.tensors.size() != file.tensors.size()) std::abort();
  for (const auto& [name, tensor] : file.tensors) {
    const saccade::Tensor* found = again.find(name);
    if (found == nullptr || found->shape() != tensor.shape() || found->dtype() != tensor.dtype()) std::abort();
    if (!std::ranges::equal(found->bytes(), tensor.bytes())) std::abort();
  }
  if (encode(again) != encoded) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(bytes);
  // The same as a header of the right length, so that a change of its length does not end the reading at once.
  const std::string_view header = bytes.substr(std::min<std::size_t>(8, size));
  const std::uint64_t length = header.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof length);
  file += header;
  file.append(16, '\x01');
  check(file);
  return 0;
}
