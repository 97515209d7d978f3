#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/tensor/tensor.h"

namespace saccade::data {

/// What one file of CIFAR-10's binary version holds.
struct CifarBatch {
  Tensor images;                     ///< [n, 32, 32, 3] uint8, red green blue.
  std::vector<std::uint8_t> labels;  ///< n of 0..9
};

constexpr Index kCifarSide = 32;
constexpr Index kCifarClasses = 10;
constexpr Index kCifarRecordBytes = 1 + 3 * kCifarSide * kCifarSide;  ///< 3073
constexpr Index kCifarMostRecords = 60'000;                           ///< The whole of CIFAR-10.

/// Reads a CIFAR-10 binary batch, plain or gzip: records of 3073 bytes, a label 0..9 and then the red, the green and the
/// blue plane of 32 x 32, row by row; at least one record, no header, nothing after the last. Throws FormatError naming
/// the byte for every other file and for more than `most_records`; SystemError when the file cannot be read. `name`
/// stands for the file in messages. Source: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
CifarBatch read_cifar_batch(const std::filesystem::path& path, Index most_records = kCifarMostRecords);
CifarBatch read_cifar_batch(std::span<const std::byte> bytes, const std::string& name,
                            Index most_records = kCifarMostRecords);

/// The inverse, plain. Throws ShapeError unless images are [n, 32, 32, 3] with n >= 1 and there are n labels, ValueError for
/// another dtype than uint8 or a label above 9, SystemError when the file cannot be written.
void write_cifar_batch(const std::filesystem::path& path, const Tensor& images, std::span<const std::uint8_t> labels);
std::vector<std::byte> encode_cifar_batch(const Tensor& images, std::span<const std::uint8_t> labels);

}  // namespace saccade::data
