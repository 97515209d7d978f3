#include "saccade/data/sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/data/cifar.h"
#include "saccade/data/idx.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

constexpr Index kDigitSide = 28;
constexpr std::string_view kCifarFolder = "cifar-10-batches-bin";
constexpr std::array<std::string_view, 5> kCifarTrainFiles = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
constexpr std::string_view kCifarTestFile = "test_batch.bin";

/// The file in `folder` under its own name or with .gz after it.
fs::path find(const fs::path& folder, std::string_view file, std::string_view set) {
  std::error_code none;
  for (const std::string_view ending : {"", ".gz"}) {
    fs::path path = folder / fmt::format("{}{}", file, ending);
    if (fs::exists(path, none)) return path;
  }
  throw SystemError({.where = folder.string(),
                     .expected = fmt::format("{0} or {0}.gz", file),
                     .got = fs::is_directory(folder, none) ? "neither" : "no such folder",
                     .fix = fmt::format("name the folder that holds {0}, or run: saccade data get {0}", set)});
}

DatasetPtr read_digits(const fs::path& folder, std::string_view part, std::string name, std::string_view set,
                       const std::vector<std::string>& class_names) {
  const fs::path image_file = find(folder, fmt::format("{}-images-idx3-ubyte", part), set);
  const fs::path label_file = find(folder, fmt::format("{}-labels-idx1-ubyte", part), set);
  Tensor images = read_idx(image_file, {.rank = 3});
  const Tensor labels = read_idx(label_file, {.rank = 1});
  const Index count = images.shape()[0];
  const Shape expected{count, kDigitSide, kDigitSide};
  if (images.shape() != expected || count == 0) {
    throw FormatError({.where = fmt::format("{}: byte 4", image_file.string()),
                       .expected = fmt::format("sizes of images of {0} x {0}, at least one", kDigitSide),
                       .got = images.shape().to_string(),
                       .fix = fmt::format("check that this file belongs to {}", set)});
  }
  if (labels.elements() != count) {
    throw FormatError({.where = fmt::format("{}: byte 4", label_file.string()),
                       .expected = fmt::format("{} labels, one an image of {}", count, image_file.string()),
                       .got = fmt::format("{}", labels.elements()),
                       .fix = "take both files from the same place"});
  }
  const auto values = labels.uint8s();
  const auto wrong = std::ranges::find_if(values, [&](std::uint8_t label) { return label >= class_names.size(); });
  if (wrong != values.end()) {
    throw FormatError({.where = fmt::format("{}: byte {}", label_file.string(), 8 + (wrong - values.begin())),
                       .expected = fmt::format("a label from 0 to {}", class_names.size() - 1),
                       .got = fmt::format("{}", *wrong),
                       .fix = fmt::format("check that this file belongs to {}", set)});
  }
  return std::make_shared<InMemory>(std::move(name), std::move(images).reshaped({count, kDigitSide, kDigitSide, 1}),
                                    std::vector<std::int32_t>(values.begin(), values.end()), class_names);
}

TrainTest read_digit_set(const fs::path& folder, const std::string& set, const std::vector<std::string>& class_names) {
  return {read_digits(folder, "train", set + "/train", set, class_names),
          read_digits(folder, "t10k", set + "/test", set, class_names)};
}

DatasetPtr join_batches(const std::vector<CifarBatch>& batches, std::string name) {
  static const std::vector<std::string> class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                       "dog",      "frog",       "horse", "ship", "truck"};
  Index count = 0;
  for (const CifarBatch& batch : batches) count += batch.images.shape()[0];
  Tensor images({count, kCifarSide, kCifarSide, 3}, DType::uint8);
  std::vector<std::int32_t> labels;
  labels.reserve(usize(count));
  auto end = images.bytes().begin();
  for (const CifarBatch& batch : batches) {
    end = std::ranges::copy(batch.images.bytes(), end).out;
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  }
  return std::make_shared<InMemory>(std::move(name), std::move(images), std::move(labels), class_names);
}

}  // namespace

TrainTest mnist(const fs::path& folder) {
  return read_digit_set(folder, "mnist", {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
}

TrainTest fashion_mnist(const fs::path& folder) {
  return read_digit_set(
      folder, "fashion-mnist",
      {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"});
}

TrainTest cifar10(const fs::path& folder) {
  std::error_code none;
  const fs::path inner = folder / kCifarFolder;
  const fs::path& files = fs::is_directory(inner, none) ? inner : folder;
  std::vector<fs::path> paths;
  for (const std::string_view file : kCifarTrainFiles) paths.push_back(find(files, file, "cifar10"));
  const fs::path test_path = find(files, kCifarTestFile, "cifar10");
  std::vector<CifarBatch> train;
  for (const fs::path& path : paths) train.push_back(read_cifar_batch(path));
  std::vector<CifarBatch> test;
  test.push_back(read_cifar_batch(test_path));
  return {join_batches(train, "cifar10/train"), join_batches(test, "cifar10/test")};
}

}  // namespace saccade::data
