#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saccade/base/file.h"
#include "saccade/tensor/tensor.h"

namespace saccade {

/// The free text of a safetensors file ("__metadata__"), by key.
using Metadata = std::map<std::string, std::string>;

/// A tensor to be written, under its name. The tensor is not copied and must outlive the call.
struct TensorEntry {
  std::string_view name;
  const Tensor* tensor = nullptr;
};

/// What a safetensors file holds.
struct SafetensorsFile {
  Metadata metadata;
  std::vector<std::pair<std::string, Tensor>> tensors;  ///< In the order of their data; names are unique.

  /// The tensor of that name, or nullptr.
  const Tensor* find(std::string_view name) const noexcept;
};

/// Reads a whole safetensors file:
///   8 bytes, N in little-endian order; N bytes of JSON, {name: {"dtype", "shape", "data_offsets": [begin, end]}}, where
///   "__metadata__" maps strings to strings; then the data, row-major, little-endian, without holes or overlaps.
/// F32 becomes float32 and U8 or BOOL uint8, bit for bit. F16 and BF16 become float32 exactly, F64 is rounded to the
/// nearest float32, and integers of 8 to 64 bits become float32 when every value is one (at most 2^24 in size).
/// Every byte is taken for hostile: FormatError names the file, the tensor or byte offset, what was expected and found
/// (a header over 100 MB, broken JSON, a key twice, a shape that overflows or has more than 8 axes, data that is missing,
/// shared or left over, another dtype, a value that float32 cannot hold). Memory stays proportional to the bytes given.
/// `name` is what messages call the file. Source: github.com/huggingface/safetensors, README "Format".
SafetensorsFile read_safetensors(std::span<const std::byte> bytes, std::string_view name);

/// The same from a file. Throws SystemError when it cannot be read.
SafetensorsFile load_safetensors(const std::filesystem::path& path);

/// Writes float32 tensors as F32 and uint8 tensors as U8, the float32 ones first, each kind in the order given, so that
/// one content has one sequence of bytes. The data begins at a multiple of 64 bytes. The file appears whole or not at all.
/// Throws ValueError for a name that stands twice, is "__metadata__" or is not UTF-8, and for a header over 100 MB;
/// SystemError when the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorEntry> tensors,
                       const Metadata& metadata = {});

/// The same bytes handed to `append`, piece by piece.
void encode_safetensors(std::span<const TensorEntry> tensors, const Metadata& metadata, const Append& append);

}  // namespace saccade
