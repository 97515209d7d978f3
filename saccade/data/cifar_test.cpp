#include "saccade/data/cifar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/random.h"
#include "saccade/data/gzip.h"

namespace saccade::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Bytes = std::vector<std::byte>;

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// A path of this process's own, so that tests may run side by side.
std::filesystem::path temporary(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / (std::to_string(::getpid()) + "_" + name);
}

/// n records of random pixels; labels 0, 1, .. 9, 0, ..
Bytes records(Index n) {
  Stream stream(17, 0, 0, 0);
  Bytes bytes;
  for (Index r = 0; r < n; ++r) {
    bytes.push_back(static_cast<std::byte>(r % 10));
    for (int i = 0; i < 3072; ++i) bytes.push_back(static_cast<std::byte>(stream.below(256)));
  }
  return bytes;
}

TEST(Cifar, PutsThePlanesIntoPixels) {
  Bytes file(2 * 3073);
  file[0] = std::byte{3};
  file[3073] = std::byte{9};
  auto pixel = [&](std::size_t record, std::size_t plane, std::size_t row, std::size_t column) -> std::byte& {
    return file[record * 3073 + 1 + plane * 1024 + row * 32 + column];
  };
  pixel(0, 0, 0, 0) = std::byte{10};
  pixel(0, 1, 0, 0) = std::byte{20};
  pixel(0, 2, 0, 0) = std::byte{30};
  pixel(1, 1, 5, 7) = std::byte{40};
  pixel(1, 2, 31, 31) = std::byte{50};
  const CifarBatch batch = read_cifar_batch(file, "batch");
  EXPECT_EQ(batch.images.shape(), (Shape{2, 32, 32, 3}));
  EXPECT_THAT(batch.labels, ElementsAre(3, 9));
  const auto pixels = batch.images.uint8s();
  EXPECT_THAT(pixels.first(4), ElementsAre(10, 20, 30, 0));
  EXPECT_EQ(pixels[((1 * 32 + 5) * 32 + 7) * 3 + 1], 40);
  EXPECT_EQ(pixels.back(), 50);
  EXPECT_EQ(std::ranges::count(pixels, 0), 2 * 3072 - 5);
}

TEST(Cifar, WriterAndReaderAreInverse) {
  const std::filesystem::path path = temporary("saccade_cifar_test");
  for (const Index n : {Index{1}, Index{2}, Index{23}}) {
    const Bytes file = records(n);
    for (const Bytes& stored : {file, gzip(file)}) {
      const CifarBatch batch = read_cifar_batch(stored, "batch");
      EXPECT_EQ(encode_cifar_batch(batch.images, batch.labels), file);
      write_cifar_batch(path, batch.images, batch.labels);
      EXPECT_EQ(read_file(path), file);
      EXPECT_EQ(read_cifar_batch(path).labels, batch.labels);
    }
  }
  std::filesystem::remove(path);
}

TEST(Cifar, RefusesEveryMalformedFile) {
  const std::string fix = "; check that this is a batch of CIFAR-10's binary version, and get it again if it is";
  Bytes cut = records(3);
  cut.resize(2 * 3073 + 17);
  Bytes label = records(3);
  label[2 * 3073] = std::byte{10};
  struct Case {
    Bytes file;
    Index most;
    Index offset;
    std::string text;
  };
  const std::vector<Case> cases = {
      {{}, 9, 0, "expected a whole record of 3073 bytes, got the end of the file after 0"},
      {Bytes(3072), 9, 0, "expected a whole record of 3073 bytes, got the end of the file after 3072"},
      {cut, 9, 6146, "expected a whole record of 3073 bytes, got the end of the file after 17"},
      {label, 9, 6146, "expected the label of record 2, 0 to 9, got 10"},
      {records(3), 2, 6146, "expected the end of the file after 2 records, got another record"},
  };
  for (const Case& c : cases) {
    const std::string offset = std::to_string(c.offset);
    EXPECT_EQ(message([&] { read_cifar_batch(c.file, "f", c.most); }), "f: byte " + offset + ": " + c.text + fix);
    EXPECT_EQ(message([&] { read_cifar_batch(gzip(c.file), "f", c.most); }),
              "f: unpacked byte " + offset + ": " + c.text + fix);
  }
  EXPECT_EQ(read_cifar_batch(records(3), "f", 3).labels.size(), 3U);
}

TEST(Cifar, RefusesABombAtItsLimit) {
  const Bytes bomb = gzip(Bytes(std::size_t{3073} * 4000));
  EXPECT_LT(bomb.size(), 20'000U);
  EXPECT_THAT(message([&] { read_cifar_batch(bomb, "f", 10); }),
              StartsWith("f: unpacked byte 30730: expected the end of the file after 10 records, got another record"));
}

TEST(Cifar, RefusesDamagedPackedFiles) {
  Bytes file = gzip(records(2));
  file[file.size() - 8] ^= std::byte{1};
  EXPECT_THAT(message([&] { read_cifar_batch(file, "f"); }), HasSubstr("incorrect data check"));
  file.resize(file.size() / 2);
  EXPECT_THAT(message([&] { read_cifar_batch(file, "f"); }), HasSubstr("expected more of the gzip data"));
}

TEST(Cifar, NamesTheFile) {
  const std::filesystem::path path = temporary("saccade_cifar_test_bad");
  write_file(path, std::string_view("hello"));
  EXPECT_THAT(message([&] { read_cifar_batch(path); }),
              StartsWith(path.string() + ": byte 0: expected a whole record"));
  write_file(path, Bytes(200'000));
  EXPECT_THAT(message([&] { read_cifar_batch(path, 1); }), HasSubstr("expected at most 68612 bytes"));
  std::filesystem::remove(path);
  EXPECT_THROW(read_cifar_batch(path), SystemError);
}

TEST(Cifar, WritesOnlyWhatCanBeRead) {
  const std::vector<std::uint8_t> two = {0, 1};
  const std::vector<std::uint8_t> wrong = {0, 10};
  EXPECT_EQ(message([&] {
              encode_cifar_batch(Tensor({2, 32, 32, 1}, DType::uint8), two);
            }),
            "CIFAR batch: expected images [2, 32, 32, 3] for 2 labels, got [2, 32, 32, 1]; pass one label an image");
  EXPECT_THAT(message([&] { encode_cifar_batch(Tensor({3, 32, 32, 3}, DType::uint8), two); }), HasSubstr("got [3, "));
  EXPECT_THAT(message([&] { encode_cifar_batch(Tensor({0, 32, 32, 3}, DType::uint8), {}); }), HasSubstr("got [0, "));
  EXPECT_THAT(message([&] {
                encode_cifar_batch(Tensor({2, 32, 32, 3}), two);
              }),
              HasSubstr("expected uint8, got float32"));
  EXPECT_EQ(message([&] {
              encode_cifar_batch(Tensor({2, 32, 32, 3}, DType::uint8), wrong);
            }),
            "CIFAR batch: record 1: expected a label from 0 to 9, got 10; correct the label");
}

}  // namespace
}  // namespace saccade::data
