#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/file.h"

namespace saccade::data {

/// CIFAR-10 as PNG sheets: row i of a sheet is image i, its 32x32 pixels from the top left along the rows; the labels of
/// all sheets of a part stand in one JSON array. One sheet and its labels make one canonical batch file.
struct CifarSheet {
  std::string_view batch;   ///< "data_batch_1.bin"
  std::string_view sheet;   ///< "data_batch_1.png"
  std::string_view labels;  ///< "train_lables.json" (the archive's spelling)
  Index first_label = 0;
};

/// All six, training batches first.
std::span<const CifarSheet> cifar_sheets();

/// The labels 0..9 of a JSON array. `name` is for the message. Throws SourceFailure.
std::vector<std::uint8_t> parse_cifar_labels(std::string_view json, const std::string& name);

/// Writes one record an image: a label byte, then 1024 red, 1024 green and 1024 blue bytes.
/// png: an RGB image of labels.size() rows and 1024 columns. Throws SourceFailure for anything else.
void convert_cifar_sheet(std::span<const std::byte> png, std::span<const std::uint8_t> labels, const std::string& name,
                         const Append& append);

}  // namespace saccade::data
