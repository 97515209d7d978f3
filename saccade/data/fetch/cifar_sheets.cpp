#include "saccade/data/fetch/cifar_sheets.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

#include "saccade/base/error.h"
#include "saccade/data/fetch/source_failure.h"
#include "saccade/image/decode.h"

namespace saccade::data {
namespace {

constexpr Index kPixels = 32 * 32;
constexpr Index kChannels = 3;

}  // namespace

std::span<const CifarSheet> cifar_sheets() {
  static constexpr std::array<CifarSheet, 6> kSheets = {{
      {"data_batch_1.bin", "data_batch_1.png", "train_lables.json", 0},
      {"data_batch_2.bin", "data_batch_2.png", "train_lables.json", 10000},
      {"data_batch_3.bin", "data_batch_3.png", "train_lables.json", 20000},
      {"data_batch_4.bin", "data_batch_4.png", "train_lables.json", 30000},
      {"data_batch_5.bin", "data_batch_5.png", "train_lables.json", 40000},
      {"test_batch.bin", "test_batch.png", "test_lables.json", 0},
  }};
  return kSheets;
}

std::vector<std::uint8_t> parse_cifar_labels(std::string_view json, const std::string& name) {
  const nlohmann::json array = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!array.is_array()) throw SourceFailure(fmt::format("{} is not a JSON array of labels", name));
  std::vector<std::uint8_t> labels;
  for (const nlohmann::json& value : array) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 9) {
      throw SourceFailure(fmt::format("{}: label {} is not a number from 0 to 9", name, labels.size()));
    }
    labels.push_back(value.get<std::uint8_t>());
  }
  return labels;
}

void convert_cifar_sheet(std::span<const std::byte> png, std::span<const std::uint8_t> labels, const std::string& name,
                         const Append& append) {
  Tensor sheet;
  try {
    sheet = decode(png, name);
  } catch (const Error& error) {
    throw SourceFailure(error.what());
  }
  const Shape expected{isize(labels.size()), kPixels, kChannels};
  if (sheet.shape() != expected) {
    throw SourceFailure(fmt::format("{}: expected an image of {} rows, {} columns and {} channels, got {}", name,
                                    expected[0], kPixels, kChannels, sheet.shape().to_string()));
  }
  const std::span<const std::uint8_t> pixels = sheet.uint8s();
  std::vector<std::byte> record(usize(1 + kChannels * kPixels));
  for (std::size_t image = 0; image < labels.size(); ++image) {
    const auto row = pixels.subspan(image * usize(kPixels * kChannels), usize(kPixels * kChannels));
    record[0] = std::byte{labels[image]};
    for (Index channel = 0; channel < kChannels; ++channel) {
      for (Index pixel = 0; pixel < kPixels; ++pixel) {
        record[usize(1 + channel * kPixels + pixel)] = std::byte{row[usize(pixel * kChannels + channel)]};
      }
    }
    append(record);
  }
}

}  // namespace saccade::data
