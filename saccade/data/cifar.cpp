#include "saccade/data/cifar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/gzip.h"

namespace saccade::data {
namespace {

constexpr std::size_t kChannels = 3;
constexpr std::size_t kPlane = usize(kCifarSide * kCifarSide);
constexpr std::size_t kPixels = kChannels * kPlane;

using Record = std::array<std::byte, usize(kCifarRecordBytes)>;

[[noreturn]] void fail(const std::string& where, std::string expected, std::string got) {
  throw FormatError({.where = where,
                     .expected = std::move(expected),
                     .got = std::move(got),
                     .fix = "check that this is a batch of CIFAR-10's binary version, and get it again if it is"});
}

/// Reads the next record; false at the end of the content.
bool read_record(ByteReader& reader, Record& record) {
  const Index begin = reader.position();
  const Index count = reader.read(record);
  if (count == 0 && begin > 0) return false;
  if (count < kCifarRecordBytes) {
    fail(reader.where(begin), fmt::format("a whole record of {} bytes", kCifarRecordBytes),
         fmt::format("the end of the file after {}", count));
  }
  if (std::to_integer<Index>(record[0]) >= kCifarClasses) {
    fail(reader.where(begin), fmt::format("the label of record {}, 0 to 9", begin / kCifarRecordBytes),
         fmt::format("{}", std::to_integer<int>(record[0])));
  }
  return true;
}

}  // namespace

CifarBatch read_cifar_batch(const std::filesystem::path& path, Index most_records) {
  const Index content = checked_multiply(most_records, kCifarRecordBytes).value_or(0);
  // One record more, so that a file that is too long is told by its records; a packed one may be a little larger.
  const Index file_limit = content + content / 1000 + 65536;
  return read_cifar_batch(read_file(path, file_limit), path.string(), most_records);
}

CifarBatch read_cifar_batch(std::span<const std::byte> bytes, const std::string& name, Index most_records) {
  ByteReader reader(bytes, name);
  std::vector<std::uint8_t> labels;
  std::vector<std::uint8_t> pixels;
  if (!reader.packed())
    pixels.reserve(usize(std::min(most_records, isize(bytes.size()) / kCifarRecordBytes)) * kPixels);
  Record record{};
  while (read_record(reader, record)) {
    if (isize(labels.size()) == most_records) {
      fail(reader.where(reader.position() - kCifarRecordBytes),
           fmt::format("the end of the file after {} records", most_records), "another record");
    }
    labels.push_back(std::to_integer<std::uint8_t>(record[0]));
    const std::size_t begin = pixels.size();
    pixels.resize(begin + kPixels);
    for (std::size_t c = 0; c < kChannels; ++c) {
      for (std::size_t i = 0; i < kPlane; ++i) {
        pixels[begin + i * kChannels + c] = std::to_integer<std::uint8_t>(record[1 + c * kPlane + i]);
      }
    }
  }
  const Shape shape{isize(labels.size()), kCifarSide, kCifarSide, isize(kChannels)};
  return {Tensor(shape, std::span<const std::uint8_t>(pixels)), std::move(labels)};
}

std::vector<std::byte> encode_cifar_batch(const Tensor& images, std::span<const std::uint8_t> labels) {
  const Shape expected{std::max<Index>(isize(labels.size()), 1), kCifarSide, kCifarSide, isize(kChannels)};
  if (images.shape() != expected) {
    throw ShapeError({.where = "CIFAR batch",
                      .expected = fmt::format("images {} for {} labels", expected.to_string(), labels.size()),
                      .got = images.shape().to_string(),
                      .fix = "pass one label an image"});
  }
  const std::span<const std::uint8_t> pixels = images.uint8s();
  std::vector<std::byte> bytes;
  bytes.reserve(labels.size() * usize(kCifarRecordBytes));
  for (std::size_t n = 0; n < labels.size(); ++n) {
    if (labels[n] >= kCifarClasses) {
      throw ValueError({.where = fmt::format("CIFAR batch: record {}", n),
                        .expected = "a label from 0 to 9",
                        .got = fmt::format("{}", labels[n]),
                        .fix = "correct the label"});
    }
    bytes.push_back(static_cast<std::byte>(labels[n]));
    for (std::size_t c = 0; c < kChannels; ++c) {
      for (std::size_t i = 0; i < kPlane; ++i) {
        bytes.push_back(static_cast<std::byte>(pixels[n * kPixels + i * kChannels + c]));
      }
    }
  }
  return bytes;
}

void write_cifar_batch(const std::filesystem::path& path, const Tensor& images, std::span<const std::uint8_t> labels) {
  write_file(path, encode_cifar_batch(images, labels));
}

}  // namespace saccade::data
