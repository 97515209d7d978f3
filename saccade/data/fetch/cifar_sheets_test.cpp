#include "saccade/data/fetch/cifar_sheets.h"

#include <gmock/gmock.h>

#include "saccade/data/fetch/source_failure.h"
#include "saccade/image/encode.h"

namespace saccade::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(CifarLabels, AreReadFromJson) { EXPECT_THAT(parse_cifar_labels("[3, 0,9]", "l.json"), ElementsAre(3, 0, 9)); }

TEST(CifarLabels, RejectsAnythingElse) {
  EXPECT_THAT([] { parse_cifar_labels("[3,", "l.json"); },
              ThrowsMessage<SourceFailure>("l.json is not a JSON array of labels"));
  EXPECT_THAT([] { parse_cifar_labels("{}", "l.json"); }, ThrowsMessage<SourceFailure>(HasSubstr("not a JSON array")));
  EXPECT_THAT([] { parse_cifar_labels("[3,10]", "l.json"); },
              ThrowsMessage<SourceFailure>("l.json: label 1 is not a number from 0 to 9"));
  EXPECT_THAT([] { parse_cifar_labels("[-1]", "l.json"); }, ThrowsMessage<SourceFailure>(HasSubstr("label 0")));
  EXPECT_THAT([] { parse_cifar_labels("[1.5]", "l.json"); }, ThrowsMessage<SourceFailure>(HasSubstr("label 0")));
}

TEST(CifarSheet, BecomesRecordsOfPlanes) {
  Tensor sheet({2, 1024, 3}, DType::uint8);
  for (Index i = 0; i < sheet.elements(); ++i) sheet.uint8s()[usize(i)] = static_cast<std::uint8_t>(i * 7 % 251);
  std::vector<std::byte> records;
  const std::vector<std::uint8_t> labels = {4, 8};
  convert_cifar_sheet(encode_png(sheet), labels, "s.png", [&](std::span<const std::byte> bytes) {
    records.insert(records.end(), bytes.begin(), bytes.end());
  });
  ASSERT_EQ(records.size(), 2U * 3073U);
  for (Index image = 0; image < 2; ++image) {
    const Index record = image * 3073;
    EXPECT_EQ(records[usize(record)], std::byte{labels[usize(image)]});
    for (Index channel = 0; channel < 3; ++channel) {
      for (Index pixel = 0; pixel < 1024; ++pixel) {
        ASSERT_EQ(records[usize(record + 1 + channel * 1024 + pixel)],
                  std::byte{sheet.uint8s()[usize((image * 1024 + pixel) * 3 + channel)]});
      }
    }
  }
}

TEST(CifarSheet, RejectsAnotherImage) {
  const std::vector<std::uint8_t> labels = {4, 8};
  auto convert = [&](const std::vector<std::byte>& png) { convert_cifar_sheet(png, labels, "s.png", [](auto) {}); };
  EXPECT_THAT(
      [&] {
        convert(encode_png(Tensor({3, 1024, 3}, DType::uint8)));
      },
      ThrowsMessage<SourceFailure>("s.png: expected an image of 2 rows, 1024 columns and 3 channels, got "
                                   "[3, 1024, 3]"));
  EXPECT_THAT(
      [&] {
        convert(encode_png(Tensor({2, 1024, 1}, DType::uint8)));
      },
      ThrowsMessage<SourceFailure>(HasSubstr("[2, 1024, 1]")));
  EXPECT_THAT([&] { convert({}); }, ThrowsMessage<SourceFailure>(HasSubstr("s.png")));
}

}  // namespace
}  // namespace saccade::data
