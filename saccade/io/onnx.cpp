#include "saccade/io/onnx.h"

#include "saccade/base/file.h"
#include "saccade/io/onnx/import_internal.h"

namespace saccade {

Model load_onnx(const std::filesystem::path& path) { return read_onnx(read_file(path), path.string()); }

Model read_onnx(std::span<const std::byte> bytes, const std::string& name) {
  return internal::import_onnx(bytes, name, {.as_row = true}).model;
}

}  // namespace saccade
