#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/tensor/tensor.h"

namespace saccade::data {

/// What a reader of IDX accepts.
struct IdxLimits {
  int rank = 0;                          ///< The number of axes that must be found; 0 takes 1 to 8.
  Index content_bytes = Index{1} << 32;  ///< Most bytes of elements.
};

/// Reads an IDX file of unsigned bytes, the format of MNIST, plain or gzip:
///   bytes 0..3   magic: 0, 0, type (08 = unsigned byte), number of axes        00 00 08 01 labels, 00 00 08 03 images
///   then         the extent of each axis, 32 bits, most significant byte first
///   then         the elements, row-major, and nothing after them
/// Returns uint8 of that shape. Throws FormatError naming the byte for every other file, before allocating what a false
/// header asks for; SystemError when the file cannot be read. `name` stands for the file in messages.
/// Source: "The MNIST database of handwritten digits", LeCun, Cortes, Burges: the IDX file format.
Tensor read_idx(const std::filesystem::path& path, const IdxLimits& limits = {});
Tensor read_idx(std::span<const std::byte> bytes, const std::string& name, const IdxLimits& limits = {});

/// The inverse, plain. Throws ValueError unless the tensor is uint8, ShapeError unless it has 1 to 8 axes of less than
/// 2^32, SystemError when the file cannot be written.
void write_idx(const std::filesystem::path& path, const Tensor& tensor);
std::vector<std::byte> encode_idx(const Tensor& tensor);

}  // namespace saccade::data
