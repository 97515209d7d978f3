#include "saccade/data/sets.h"

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
#include "saccade/data/cifar.h"
#include "saccade/data/gzip.h"
#include "saccade/data/idx.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class Sets : public testing::Test {
 protected:
  // ctest may run several tests of one binary at once, each in its own process.
  Sets() : folder_(fs::path(testing::TempDir()) / ("saccade_sets_test_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Sets() override { fs::remove_all(folder_); }

  void put(const std::string& file, const std::vector<std::byte>& content) {
    const bool pack = file.ends_with(".gz");
    write_file(folder_ / file, pack ? gzip(content) : content);
  }

  /// Image i of a part is filled with i + first and has the label (i + first) mod 10.
  void put_digits(const std::string& part, Index count, int first, const std::string& ending) {
    Tensor images({count, 28, 28}, DType::uint8);
    Tensor labels({count}, DType::uint8);
    for (Index i = 0; i < count; ++i) {
      const auto value = static_cast<std::uint8_t>(i + first);
      std::ranges::fill(images.uint8s().subspan(usize(i) * 784, 784), value);
      labels.uint8s()[usize(i)] = static_cast<std::uint8_t>(value % 10);
    }
    put(part + "-images-idx3-ubyte" + ending, encode_idx(images));
    put(part + "-labels-idx1-ubyte" + ending, encode_idx(labels));
  }

  void put_cifar(const std::string& file, Index count, int first) {
    Tensor images({count, 32, 32, 3}, DType::uint8);
    std::vector<std::uint8_t> labels;
    for (Index i = 0; i < count; ++i) {
      const auto value = static_cast<std::uint8_t>(i + first);
      std::ranges::fill(images.uint8s().subspan(usize(i) * 3072, 3072), value);
      labels.push_back(static_cast<std::uint8_t>(value % 10));
    }
    put(file, encode_cifar_batch(images, labels));
  }

  std::string at(const std::string& file) const { return (folder_ / file).string(); }

  fs::path folder_;
};

TEST_F(Sets, ReadsMnistPlainOrPacked) {
  put_digits("train", 12, 0, "");
  put_digits("t10k", 3, 100, ".gz");
  const auto [train, test] = mnist(folder_);
  EXPECT_EQ(train->size(), 12);
  EXPECT_EQ(test->size(), 3);
  EXPECT_EQ(train->name(), "mnist/train");
  EXPECT_EQ(test->name(), "mnist/test");
  EXPECT_EQ(train->image_shape(), (Shape{28, 28, 1}));
  EXPECT_EQ(train->class_names().size(), 10U);
  EXPECT_EQ(train->class_names()[7], "7");
  EXPECT_EQ(train->label(11), 1);
  EXPECT_THAT(train->get(11).image.uint8s(), ::testing::Each(11));
  EXPECT_THAT(test->get(2).image.uint8s(), ::testing::Each(102));
}

TEST_F(Sets, ReadsFashionMnist) {
  put_digits("train", 4, 0, ".gz");
  put_digits("t10k", 4, 0, ".gz");
  const auto [train, test] = fashion_mnist(folder_);
  EXPECT_EQ(train->name(), "fashion-mnist/train");
  EXPECT_EQ(test->name(), "fashion-mnist/test");
  EXPECT_EQ(train->class_names().front(), "T-shirt/top");
  EXPECT_EQ(train->class_names().back(), "Ankle boot");
  EXPECT_EQ(train->class_names().size(), 10U);
}

TEST_F(Sets, ReadsCifarFromTheFolderOrItsInnerOne) {
  for (const std::string inner : {"", "cifar-10-batches-bin/"}) {
    fs::create_directories(folder_ / inner);
    for (int b = 1; b <= 5; ++b) put_cifar(inner + "data_batch_" + std::to_string(b) + ".bin", b, 10 * b);
    put_cifar(inner + "test_batch.bin.gz", 2, 200);
    const auto [train, test] = cifar10(folder_);
    EXPECT_EQ(train->name(), "cifar10/train");
    EXPECT_EQ(test->name(), "cifar10/test");
    EXPECT_EQ(train->size(), 15);
    EXPECT_EQ(test->size(), 2);
    EXPECT_EQ(train->image_shape(), (Shape{32, 32, 3}));
    EXPECT_EQ(train->class_names()[0], "airplane");
    EXPECT_EQ(train->class_names()[9], "truck");
    EXPECT_THAT(train->get(2).image.uint8s(), ::testing::Each(21));
    EXPECT_THAT(train->get(14).image.uint8s(), ::testing::Each(54));
    EXPECT_EQ(train->label(14), 4);
    EXPECT_EQ(test->label(1), 1);
    fs::remove_all(folder_);
  }
}

TEST_F(Sets, SaysWhichFileIsMissing) {
  EXPECT_EQ(
      message([&] { mnist(folder_); }),
      folder_.string() +
          ": expected train-images-idx3-ubyte or train-images-idx3-ubyte.gz, got neither; name the folder that holds "
          "mnist, or run: saccade data get mnist");
  put_digits("train", 4, 0, "");
  EXPECT_THAT(message([&] { fashion_mnist(folder_); }), HasSubstr("expected t10k-images-idx3-ubyte or"));
  EXPECT_THAT(message([&] { fashion_mnist(folder_); }), HasSubstr("run: saccade data get fashion-mnist"));
  EXPECT_THAT(message([&] { mnist(folder_ / "nowhere"); }), HasSubstr("got no such folder"));
  put_cifar("data_batch_1.bin", 1, 0);
  EXPECT_THAT(message([&] { cifar10(folder_); }),
              HasSubstr("expected data_batch_2.bin or data_batch_2.bin.gz, got neither"));
  EXPECT_THROW(cifar10(folder_), SystemError);
}

TEST_F(Sets, RefusesFilesThatDoNotFitTogether) {
  put_digits("train", 4, 0, "");
  put_digits("t10k", 4, 0, "");

  Tensor labels({3}, DType::uint8);
  put("t10k-labels-idx1-ubyte", encode_idx(labels));
  EXPECT_EQ(message([&] { mnist(folder_); }),
            at("t10k-labels-idx1-ubyte") + ": byte 4: expected 4 labels, one an image of " +
                at("t10k-images-idx3-ubyte") + ", got 3; take both files from the same place");

  labels = Tensor({4}, DType::uint8);
  labels.uint8s()[2] = 10;
  put("t10k-labels-idx1-ubyte", encode_idx(labels));
  EXPECT_EQ(message([&] { mnist(folder_); }),
            at("t10k-labels-idx1-ubyte") +
                ": byte 10: expected a label from 0 to 9, got 10; check that this file "
                "belongs to mnist");

  put("t10k-images-idx3-ubyte", encode_idx(Tensor({4, 28, 27}, DType::uint8)));
  EXPECT_EQ(message([&] { mnist(folder_); }),
            at("t10k-images-idx3-ubyte") +
                ": byte 4: expected sizes of images of 28 x 28, at least one, got [4, 28, "
                "27]; check that this file belongs to mnist");
  put("t10k-images-idx3-ubyte", encode_idx(Tensor({0, 28, 28}, DType::uint8)));
  EXPECT_THAT(message([&] { mnist(folder_); }), HasSubstr("at least one, got [0, 28, 28]"));

  put("t10k-images-idx3-ubyte", encode_idx(labels));
  EXPECT_THAT(message([&] { mnist(folder_); }),
              StartsWith(at("t10k-images-idx3-ubyte") + ": byte 0: expected magic number 0x00000803"));
}

}  // namespace
}  // namespace saccade::data
