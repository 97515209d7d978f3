#include "saccade/data/fetch/tar_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "saccade/data/fetch/source_failure.h"

namespace saccade::data {
namespace {

constexpr std::size_t kBlock = 512;
using Header = std::array<char, kBlock>;

/// A field up to its first NUL.
std::string_view text_field(const Header& header, std::size_t begin, std::size_t size) {
  const std::string_view field(header.data() + begin, size);
  return field.substr(0, std::min(field.find('\0'), field.size()));
}

/// Octal digits, perhaps after spaces, ended by a space, a NUL or the end of the field.
std::optional<Index> octal_field(const Header& header, std::size_t begin, std::size_t size) {
  std::string_view field = text_field(header, begin, size);
  field.remove_prefix(std::min(field.find_first_not_of(' '), field.size()));
  field = field.substr(0, std::min(field.find(' '), field.size()));
  if (field.empty()) return std::nullopt;
  Index value = 0;
  for (const char digit : field) {
    if (digit < '0' || digit > '7') return std::nullopt;
    value = value * 8 + (digit - '0');  // at most 12 digits: 36 bits
  }
  return value;
}

/// The sum of the header's bytes, its own checksum field read as spaces.
Index checksum(const Header& header) {
  Index sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
  return sum;
}

std::string member_name(const Header& header) {
  std::string name(text_field(header, 0, 100));
  // Only POSIX archives have a prefix; in GNU ones other fields stand there.
  if (std::string_view(header.data() + 257, 6) == std::string_view("ustar\0", 6)) {
    const std::string_view prefix = text_field(header, 345, 155);
    if (!prefix.empty()) name = fmt::format("{}/{}", prefix, name);
  }
  return name.starts_with("./") ? name.substr(2) : name;
}

}  // namespace

std::optional<TarMember> TarReader::next() {
  for (;;) {
    skip(left_ + padding_);
    left_ = padding_ = 0;
    const Index start = offset_;
    Header header{};
    std::size_t have = 0;
    while (have < kBlock) {
      const std::size_t count = file_.read(std::as_writable_bytes(std::span(header)).subspan(have));
      if (count == 0) break;
      have += count;
    }
    offset_ += isize(have);
    if (have == 0 && start > 0) return std::nullopt;  // some writers leave the closing zero blocks out
    if (have < kBlock) {
      throw SourceFailure(fmt::format("tar archive: byte {}: expected a header of 512 bytes, got {}", start, have));
    }
    if (std::all_of(header.begin(), header.end(), [](char c) { return c == '\0'; })) return std::nullopt;

    if (octal_field(header, 148, 8) != checksum(header)) {
      throw SourceFailure(fmt::format("tar archive: byte {}: expected header checksum {}, got '{}'", start + 148,
                                      checksum(header), text_field(header, 148, 8)));
    }
    const std::optional<Index> size = octal_field(header, 124, 12);
    if (!size) throw SourceFailure(fmt::format("tar archive: byte {}: expected an octal member size", start + 124));
    left_ = *size;
    padding_ = round_up(*size, isize(kBlock)) - *size;
    const char type = header[156];
    if (type == '0' || type == '\0') return TarMember{.name = member_name(header), .size_bytes = *size};
  }
}

std::size_t TarReader::read(std::span<std::byte> bytes) {
  if (left_ == 0 || bytes.empty()) return 0;
  const std::size_t count = file_.read(bytes.first(std::min(bytes.size(), usize(left_))));
  if (count == 0) {
    throw SourceFailure(
        fmt::format("tar archive: byte {}: expected {} more bytes of a member, got the end", offset_, left_));
  }
  offset_ += isize(count);
  left_ -= isize(count);
  return count;
}

void TarReader::skip(Index count) {
  left_ = count;
  std::array<std::byte, 65536> scratch;
  while (read(scratch) > 0) {
  }
}

}  // namespace saccade::data
