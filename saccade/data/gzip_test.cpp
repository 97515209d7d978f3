#include "saccade/data/gzip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/random.h"

namespace saccade::data {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Bytes = std::vector<std::byte>;

std::string gzip_message(const std::function<void()>& call) {
  try {
    call();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes noise(std::size_t count) {
  Stream stream(3, 0, 0, 0);
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(stream() & 0xffU);
  return bytes;
}

/// Everything a reader gives, asked for in pieces of `step`.
Bytes drain(const Bytes& file, std::size_t step) {
  ByteReader reader(file, "file");
  Bytes all;
  Bytes piece(step);
  while (const Index count = reader.read(piece)) all.insert(all.end(), piece.begin(), piece.begin() + count);
  EXPECT_EQ(reader.position(), isize(all.size()));
  reader.require_end();
  return all;
}

TEST(ByteReader, GivesTheContentOfPlainAndPackedFiles) {
  for (const std::size_t size : {0U, 1U, 2U, 1000U, 200'000U}) {
    const Bytes content = noise(size);
    const Bytes packed = gzip(content);
    EXPECT_FALSE(ByteReader(content, "file").packed());
    EXPECT_TRUE(ByteReader(packed, "file").packed());
    for (const std::size_t step : {std::size_t{7}, std::size_t{65536}, std::size_t{1} << 20}) {
      EXPECT_EQ(drain(content, step), content) << size;
      EXPECT_EQ(drain(packed, step), content) << size;
    }
  }
}

TEST(ByteReader, JoinsGzipMembers) {
  Bytes file = gzip(bytes_of("one, "));
  for (const std::string_view part : {"", "two, ", "three"}) {
    const Bytes member = gzip(bytes_of(part));
    file.insert(file.end(), member.begin(), member.end());
  }
  for (const std::size_t step : {1U, 3U, 100U}) EXPECT_EQ(drain(file, step), bytes_of("one, two, three"));
}

TEST(ByteReader, BoundsWhatMayFollow) {
  const Bytes content(100'000);
  const Bytes packed = gzip(content);
  ByteReader plain(content, "file");
  ByteReader unpacking(packed, "file");
  Bytes some(1000);
  EXPECT_EQ(plain.most_remaining(), 100'000);
  EXPECT_GE(unpacking.most_remaining(), 100'000);
  EXPECT_LE(unpacking.most_remaining(), isize(packed.size()) * 1032);
  plain.read(some);
  unpacking.read(some);
  EXPECT_EQ(plain.most_remaining(), 99'000);
  EXPECT_GE(unpacking.most_remaining(), 99'000);
}

TEST(ByteReader, SaysWhereTheContentEnds) {
  const Bytes content = bytes_of("0123456789");
  const Bytes packed = gzip(content);
  for (const bool pack : {false, true}) {
    ByteReader reader(pack ? packed : content, "file.bin");
    const std::string at = pack ? "file.bin: unpacked byte " : "file.bin: byte ";
    Bytes four(4);
    Bytes seven(7);
    reader.read_exactly(four, "4 bytes of it");
    EXPECT_EQ(four, bytes_of("0123"));
    EXPECT_THAT(gzip_message([&] { reader.require_end(); }),
                StartsWith(at + "4: expected the end of the file, got " + (pack ? "more bytes" : "6 more bytes")));
    ByteReader again(pack ? packed : content, "file.bin");
    again.read_exactly(four, "4 bytes of it");
    EXPECT_EQ(gzip_message([&] { again.read_exactly(seven, "7 bytes of more"); }),
              at +
                  "4: expected 7 bytes of more, got the end of the file after 6 of them; the file is cut short: get it "
                  "again");
  }
}

TEST(ByteReader, RefusesPackedFilesCutAnywhere) {
  const Bytes packed = gzip(noise(300));
  for (std::size_t size = 2; size < packed.size(); ++size) {
    const Bytes cut(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(gzip_message([&] { drain(cut, 64); }),
              "file: byte " + std::to_string(size) +
                  ": expected more of the gzip data, got the end of the file; the file is damaged: get it again");
  }
}

TEST(ByteReader, RefusesDamage) {
  const Bytes packed = gzip(bytes_of("some content that is long enough"));
  auto damaged = [&](std::size_t position, std::byte value) {
    Bytes file = packed;
    file[position] = value;
    return gzip_message([&] { drain(file, 64); });
  };
  EXPECT_THAT(damaged(2, std::byte{7}), HasSubstr("expected sound gzip data, got unknown compression method"));
  EXPECT_THAT(damaged(3, std::byte{0xe0}), HasSubstr("got unknown header flags set"));
  EXPECT_THAT(damaged(packed.size() - 8, std::byte{1}), HasSubstr("got incorrect data check"));
  EXPECT_THAT(damaged(packed.size() - 4, std::byte{1}), HasSubstr("got incorrect length check"));
  EXPECT_THAT(damaged(10, std::byte{7}), HasSubstr("got invalid block type"));
  Bytes longer = packed;
  longer.push_back(std::byte{0});
  EXPECT_EQ(
      gzip_message([&] { drain(longer, 64); }),
      "file: byte " + std::to_string(packed.size()) +
          ": expected the end of the file, or another gzip member, got 1 other bytes; the file is damaged: get it "
          "again");
}

TEST(ByteReader, UnpacksOnlyWhatIsAskedFor) {
  const Bytes bomb = gzip(Bytes(std::size_t{8} << 20));
  EXPECT_LT(bomb.size(), std::size_t{1} << 14);
  ByteReader reader(bomb, "bomb");
  Bytes four(4);
  reader.read_exactly(four, "4 bytes");
  EXPECT_EQ(reader.position(), 4);
  EXPECT_THAT(gzip_message([&] { reader.require_end(); }),
              StartsWith("bomb: unpacked byte 4: expected the end of the file"));
}

TEST(Gzip, EqualContentGivesEqualFiles) { EXPECT_EQ(gzip(noise(5000)), gzip(noise(5000))); }

}  // namespace
}  // namespace saccade::data
