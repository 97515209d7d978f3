#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "saccade/tensor/tensor.h"

namespace saccade::internal {

/// A value that float32 cannot hold: its place in the tensor, and its text.
struct Misfit {
  Index element;
  std::string value;
};

/// A type of number that files store tensors in, little-endian, and what becomes of it.
struct StoredType {
  std::string_view name;  ///< As safetensors calls it: "F32".
  Index size_bytes;
  DType becomes;
  /// Fills `to` from as many numbers in `from`. Says which does not fit.
  std::optional<Misfit> (*convert)(std::span<const std::byte> from, Tensor& to);
};

/// F32 and U8 (and BOOL, as uint8) bit for bit; F16 and BF16 as float32 exactly; F64 rounded to the nearest float32; other
/// integers as float32 where every value is one (at most 2^24 in size). nullptr for other names.
const StoredType* find_stored_type(std::string_view name);

/// "F32, F16, ...", for error messages.
std::string stored_type_names();

}  // namespace saccade::internal
