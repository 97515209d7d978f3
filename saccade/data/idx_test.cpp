#include "saccade/data/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <numeric>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/gzip.h"
#include "tests/support/message_of.h"

namespace saccade::data {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Bytes = std::vector<std::byte>;

/// A path of this process's own, so that tests may run side by side.
std::filesystem::path temporary(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / (std::to_string(::getpid()) + "_" + name);
}

Bytes bytes(std::initializer_list<int> values) {
  Bytes all;
  for (const int value : values) all.push_back(static_cast<std::byte>(value));
  return all;
}

Tensor counting(const Shape& shape) {
  Tensor tensor(shape, DType::uint8);
  const auto values = tensor.uint8s();
  std::iota(values.begin(), values.end(), std::uint8_t{1});
  return tensor;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::ranges::equal(a.bytes(), b.bytes());
}

TEST(Idx, ReadsLabelsAndImages) {
  const Tensor labels = read_idx(bytes({0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 255}), "labels");
  EXPECT_EQ(labels.shape(), (Shape{3}));
  EXPECT_THAT(labels.uint8s(), ElementsAre(7, 0, 255));
  const Tensor images = read_idx(bytes({0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4}), "images");
  EXPECT_EQ(images.shape(), (Shape{2, 1, 2}));
  EXPECT_THAT(images.uint8s(), ElementsAre(1, 2, 3, 4));
}

TEST(Idx, SizesAreMostSignificantByteFirst) {
  const Tensor tensor = counting({258});
  const Bytes file = encode_idx(tensor);
  EXPECT_THAT(Bytes(file.begin(), file.begin() + 8), ::testing::ElementsAreArray(bytes({0, 0, 8, 1, 0, 0, 1, 2})));
}

TEST(Idx, WriterAndReaderAreInverse) {
  const std::filesystem::path path = temporary("saccade_idx_test");
  for (const Shape& shape :
       {Shape{1}, Shape{0}, Shape{5, 3}, Shape{2, 28, 28}, Shape{2, 0, 3}, Shape{2, 1, 2, 1, 2, 1, 2, 1}}) {
    const Tensor tensor = counting(shape);
    EXPECT_TRUE(same(read_idx(encode_idx(tensor), "plain"), tensor)) << shape.to_string();
    EXPECT_TRUE(same(read_idx(gzip(encode_idx(tensor)), "packed"), tensor)) << shape.to_string();
    write_idx(path, tensor);
    EXPECT_TRUE(same(read_idx(path), tensor)) << shape.to_string();
  }
  std::filesystem::remove(path);
}

TEST(Idx, PackingIsKnownByContentNotByName) {
  const Tensor tensor = counting({4, 2});
  for (const char* name : {"saccade_idx_test_plain.gz", "saccade_idx_test_packed"}) {
    const bool pack = std::string_view(name).ends_with("packed");
    write_file(temporary(name), pack ? gzip(encode_idx(tensor)) : encode_idx(tensor));
    EXPECT_TRUE(same(read_idx(temporary(name)), tensor)) << name;
    std::filesystem::remove(temporary(name));
  }
}

struct Malformed {
  Bytes file;
  IdxLimits limits;
  std::string text;
};

TEST(Idx, RefusesEveryMalformedFile) {
  const std::string fix = "; check that this is the IDX file you meant, and get it again if it is";
  const std::string cut = "; the file is cut short: get it again";
  const std::string any = "f: byte 0: expected magic number 0x00000801 to 0x00000808 (unsigned bytes, axes), got ";
  const Bytes three = bytes({0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3});
  const std::vector<Malformed> cases = {
      {bytes({}), {}, "f: byte 0: expected 4 bytes of magic number, got the end of the file after 0 of them" + cut},
      {bytes({0, 0, 8}),
       {},
       "f: byte 0: expected 4 bytes of magic number, got the end of the file after 3 of them" + cut},
      {bytes({1, 0, 8, 1}), {}, any + "0x01000801" + fix},
      {bytes({0x89, 'P', 'N', 'G'}), {}, any + "0x89504e47" + fix},
      {bytes({0, 0, 8, 0}), {}, any + "0x00000800" + fix},
      {bytes({0, 0, 8, 9}), {}, any + "0x00000809" + fix},
      {bytes({0, 0, 9, 1}), {}, any + "0x00000901 (signed bytes)" + fix},
      {bytes({0, 0, 0x0B, 1}), {}, any + "0x00000b01 (16-bit integers)" + fix},
      {bytes({0, 0, 0x0C, 1}), {}, any + "0x00000c01 (32-bit integers)" + fix},
      {bytes({0, 0, 0x0D, 3}), {}, any + "0x00000d03 (32-bit floats)" + fix},
      {bytes({0, 0, 0x0E, 3}), {}, any + "0x00000e03 (64-bit floats)" + fix},
      {three,
       {.rank = 3},
       "f: byte 0: expected magic number 0x00000803 (unsigned bytes, 3 axes), got 0x00000801" + fix},
      {bytes({0, 0, 8, 2, 0, 0, 0, 1, 0, 0}),
       {},
       "f: byte 8: expected 4 bytes of size for each of 2 axes, got the end of the file after 2 of them" + cut},
      {bytes({0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3}), {}, "f: byte 8: expected 4 bytes for [4], got 3" + fix},
      {bytes({0, 0, 8, 1, 0, 0, 0, 2, 1, 2, 3}), {}, "f: byte 8: expected 2 bytes for [2], got 3" + fix},
      {bytes({0, 0, 8, 1, 255, 255, 255, 255}),
       {},
       "f: byte 8: expected 4294967295 bytes for [4294967295], got 0" + fix},
      {bytes({0, 0, 8, 2, 0, 0, 255, 255, 0, 1, 0, 2}),
       {},
       "f: byte 8: expected sizes for at most 4294967296 bytes, got 65538 after 65535 elements" + fix},
      {bytes({0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}),
       {},
       "f: byte 8: expected sizes for at most 4294967296 bytes, got 4294967295 after 4294967295 elements" + fix},
      {bytes({0, 0, 8, 3, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}),
       {},
       "f: byte 12: expected sizes for at most 4294967296 bytes, got 4294967295 after 4294967295 elements" + fix},
      {three, {.content_bytes = 2}, "f: byte 4: expected sizes for at most 2 bytes, got 3 after 1 elements" + fix},
  };
  for (const Malformed& c : cases) EXPECT_EQ(message_of([&] { read_idx(c.file, "f", c.limits); }), c.text);
  EXPECT_NO_THROW(read_idx(three, "f", {.rank = 1, .content_bytes = 3}));
}

TEST(Idx, RefusesEveryMalformedPackedFile) {
  const Bytes shorter = bytes({0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3});
  const Bytes longer = bytes({0, 0, 8, 1, 0, 0, 0, 2, 1, 2, 3});
  const Bytes wrong = bytes({0, 0, 8, 4});
  EXPECT_THAT(message_of([&] { read_idx(gzip(shorter), "f"); }),
              StartsWith("f: unpacked byte 8: expected 4 bytes for [4], got the end of the file after 3 of them;"));
  EXPECT_THAT(message_of([&] { read_idx(gzip(longer), "f"); }),
              StartsWith("f: unpacked byte 10: expected the end of the file, got more bytes;"));
  EXPECT_THAT(message_of([&] { read_idx(gzip(wrong), "f", {.rank = 1}); }),
              StartsWith("f: unpacked byte 0: expected magic"));
  Bytes cut = gzip(encode_idx(counting({100})));
  cut.pop_back();
  EXPECT_THAT(message_of([&] { read_idx(cut, "f"); }),
              HasSubstr("expected more of the gzip data, got the end of the file"));
  cut = gzip(encode_idx(counting({100})));
  cut[cut.size() - 8] ^= std::byte{1};
  EXPECT_THAT(message_of([&] { read_idx(cut, "f"); }), HasSubstr("incorrect data check"));
}

TEST(Idx, ASmallPackedFileCannotAskForMuchMemory) {
  const Bytes file = gzip(bytes({0, 0, 8, 1, 255, 255, 255, 255, 1, 2, 3}));
  EXPECT_EQ(message_of([&] { read_idx(file, "f"); }),
            "f: unpacked byte 8: expected 4294967295 bytes for [4294967295], got a packed file that can hold at most " +
                std::to_string(isize(file.size()) * 1032 - 8) +
                "; check that this is the IDX file you meant, and get it again if it is");
}

TEST(Idx, NamesTheFile) {
  const std::filesystem::path path = temporary("saccade_idx_test_bad");
  write_file(path, std::string_view("hello"));
  EXPECT_THAT(message_of([&] { read_idx(path); }), StartsWith(path.string() + ": byte 0: expected magic number"));
  std::filesystem::remove(path);
  EXPECT_THROW(read_idx(path), SystemError);
}

TEST(Idx, RefusesAFileBeyondItsLimitBeforeReadingItWhole) {
  const std::filesystem::path path = temporary("saccade_idx_test_large");
  write_file(path, encode_idx(counting({200'000})));
  EXPECT_THAT(message_of([&] { read_idx(path, {.content_bytes = 1000}); }), HasSubstr("expected at most 66537 bytes"));
  std::filesystem::remove(path);
}

TEST(Idx, WritesOnlyBytesWithAxes) {
  EXPECT_THROW(encode_idx(Tensor({2})), ValueError);
  EXPECT_THAT(message_of([] { encode_idx(Tensor(Shape(), DType::uint8)); }),
              StartsWith("IDX file: expected 1 to 8 axes of less than 2^32, got []"));
  EXPECT_THAT(message_of([] {
                encode_idx(Tensor({0, Index{1} << 32}, DType::uint8));
              }),
              HasSubstr("got [0, 4294967296]"));
}

}  // namespace
}  // namespace saccade::data
