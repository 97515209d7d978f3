#include "saccade/data/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/gzip.h"

namespace saccade::data {
namespace {

constexpr unsigned kUnsignedByte = 0x08;
constexpr Index kHeaderBytes = 4 + 4 * Shape::kMaxRank;
constexpr std::string_view kWrongFile = "check that this is the IDX file you meant, and get it again if it is";

[[noreturn]] void fail(const ByteReader& reader, Index position, std::string expected, std::string got) {
  throw FormatError({.where = reader.where(position),
                     .expected = std::move(expected),
                     .got = std::move(got),
                     .fix = std::string(kWrongFile)});
}

std::uint32_t read_word(ByteReader& reader, std::string_view what) {
  std::array<std::byte, 4> word{};
  reader.read_exactly(word, what);
  std::uint32_t value = 0;
  for (const std::byte byte : word) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

std::string_view type_name(unsigned type) {
  switch (type) {
    case 0x09:
      return " (signed bytes)";
    case 0x0B:
      return " (16-bit integers)";
    case 0x0C:
      return " (32-bit integers)";
    case 0x0D:
      return " (32-bit floats)";
    case 0x0E:
      return " (64-bit floats)";
    default:
      return "";
  }
}

int read_rank(ByteReader& reader, const IdxLimits& limits) {
  const std::uint32_t magic = read_word(reader, "4 bytes of magic number");
  const unsigned type = magic >> 8 & 0xffU;
  const unsigned rank = magic & 0xffU;
  const std::string got = fmt::format("0x{:08x}{}", magic, magic >> 16 == 0 ? type_name(type) : "");
  if (limits.rank != 0) {
    if (magic != (kUnsignedByte << 8 | static_cast<unsigned>(limits.rank))) {
      fail(reader, 0, fmt::format("magic number 0x{:08x} (unsigned bytes, {} axes)", 0x800 + limits.rank, limits.rank),
           got);
    }
  } else if (magic >> 8 != kUnsignedByte || rank < 1 || rank > Shape::kMaxRank) {
    fail(reader, 0, fmt::format("magic number 0x00000801 to 0x{:08x} (unsigned bytes, axes)", 0x800 + Shape::kMaxRank),
         got);
  }
  return static_cast<int>(rank);
}

Shape read_shape(ByteReader& reader, int rank, const IdxLimits& limits) {
  std::array<Index, Shape::kMaxRank> extents{};
  // An axis of 0 must not hide what the others claim: a part of the tensor may leave that axis out.
  Index claimed = 1;
  const std::string what = fmt::format("4 bytes of size for each of {} axes", rank);
  for (int axis = 0; axis < rank; ++axis) {
    const Index position = reader.position();
    extents[usize(axis)] = read_word(reader, what);
    const auto product = checked_multiply(claimed, std::max<Index>(extents[usize(axis)], 1));
    if (!product || *product > limits.content_bytes) {
      fail(reader, position, fmt::format("sizes for at most {} bytes", limits.content_bytes),
           fmt::format("{} after {} elements", extents[usize(axis)], claimed));
    }
    claimed = *product;
  }
  return Shape(std::span<const Index>(extents.data(), usize(rank)));
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path, const IdxLimits& limits) {
  // A packed file may be a little larger than its content when that does not compress.
  const Index file_limit =
      checked_add(limits.content_bytes, limits.content_bytes / 1000 + 65536).value_or(limits.content_bytes);
  return read_idx(read_file(path, file_limit), path.string(), limits);
}

Tensor read_idx(std::span<const std::byte> bytes, const std::string& name, const IdxLimits& limits) {
  ByteReader reader(bytes, name);
  const int rank = read_rank(reader, limits);
  const Shape shape = read_shape(reader, rank, limits);
  const Index begin = reader.position();
  const Index most = reader.most_remaining();
  if (reader.packed() ? shape.elements() > most : shape.elements() != most) {
    fail(reader, begin, fmt::format("{} bytes for {}", shape.elements(), shape.to_string()),
         fmt::format("{}{}", reader.packed() ? "a packed file that can hold at most " : "", most));
  }
  Tensor tensor(shape, DType::uint8);
  reader.read_exactly(tensor.bytes(), fmt::format("{} bytes for {}", shape.elements(), shape.to_string()));
  reader.require_end();
  return tensor;
}

std::vector<std::byte> encode_idx(const Tensor& tensor) {
  const Shape& shape = tensor.shape();
  const std::span<const std::uint8_t> elements = tensor.uint8s();
  const bool fits = std::ranges::all_of(shape.extents(), [](Index extent) { return extent < Index{1} << 32; });
  if (shape.rank() < 1 || !fits) {
    throw ShapeError({.where = "IDX file",
                      .expected = fmt::format("1 to {} axes of less than 2^32", Shape::kMaxRank),
                      .got = shape.to_string(),
                      .fix = "reshape it"});
  }
  std::vector<std::byte> bytes{std::byte{0}, std::byte{0}, std::byte{kUnsignedByte},
                               static_cast<std::byte>(shape.rank())};
  bytes.reserve(usize(kHeaderBytes) + elements.size());
  for (const Index extent : shape.extents()) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(extent >> shift & 0xff));
  }
  bytes.insert(bytes.end(), tensor.bytes().begin(), tensor.bytes().end());
  return bytes;
}

void write_idx(const std::filesystem::path& path, const Tensor& tensor) { write_file(path, encode_idx(tensor)); }

}  // namespace saccade::data
