#include "saccade/train/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/file.h"

namespace saccade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EventFileTest : public testing::Test {
 protected:
  EventFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "saccade_events_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~EventFileTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

/// CRC-32C one bit at a time, straight from its definition.
std::uint32_t slow_crc32c(std::string_view bytes) {
  std::uint32_t remainder = ~0U;
  for (const char byte : bytes) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const unsigned input = (static_cast<unsigned char>(byte) >> bit) & 1U;
      const bool carry = ((remainder ^ input) & 1U) != 0;
      remainder >>= 1U;
      if (carry) remainder ^= 0x82F63B78U;
    }
  }
  return ~remainder;
}

std::uint32_t slow_mask(std::uint32_t crc) { return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U; }

/// Takes values off the front of a record; a reader that shares nothing with the writer.
struct Cursor {
  std::string_view rest;

  template <class T>
  T take() {
    T value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take(std::size_t count) {
    if (count > rest.size()) throw std::runtime_error("the record ends early");
    const std::string_view front = rest.substr(0, count);
    rest.remove_prefix(count);
    return front;
  }
  std::uint64_t take_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if ((byte & 0x80U) == 0) return value;
    }
  }
};

/// The fields of a protocol buffer message: numbers as 64 bits, and the bytes of strings and messages.
struct Message {
  std::map<std::uint64_t, std::uint64_t> numbers;
  std::map<std::uint64_t, std::string> texts;
};

Message parse_message(std::string_view bytes) {
  Message message;
  Cursor cursor{bytes};
  while (!cursor.rest.empty()) {
    const std::uint64_t key = cursor.take_varint();
    const std::uint64_t field = key >> 3U;
    switch (key & 7U) {
      case 0:
        message.numbers[field] = cursor.take_varint();
        break;
      case 1:
        message.numbers[field] = cursor.take<std::uint64_t>();
        break;
      case 2:
        message.texts[field] = cursor.take(cursor.take_varint());
        break;
      case 5:
        message.numbers[field] = cursor.take<std::uint32_t>();
        break;
      default:
        throw std::runtime_error("unknown wire type");
    }
  }
  return message;
}

std::vector<Message> parse_events(const std::filesystem::path& path) {
  const std::string bytes = read_text_file(path);
  std::vector<Message> events;
  Cursor cursor{bytes};
  while (!cursor.rest.empty()) {
    const std::string_view length_bytes = cursor.rest.substr(0, 8);
    const auto length = cursor.take<std::uint64_t>();
    EXPECT_EQ(cursor.take<std::uint32_t>(), slow_mask(slow_crc32c(length_bytes)));
    const std::string_view record = cursor.take(length);
    EXPECT_EQ(cursor.take<std::uint32_t>(), slow_mask(slow_crc32c(record)));
    events.push_back(parse_message(record));
  }
  return events;
}

double number_as_double(std::uint64_t bits) { return std::bit_cast<double>(bits); }

TEST(Crc32c, HasThePublishedValues) {
  EXPECT_EQ(internal::crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(internal::crc32c(""), 0U);
  EXPECT_EQ(internal::crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(internal::crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST_F(EventFileTest, HoldsTheVersionAndTheScalars) {
  EventFile file(folder_ / "run" / "logs");
  file.scalar("train/loss", 0.25, 3, 1700000000.5);
  file.scalar("val/accuracy", std::nan(""), Index{1} << 40, 1700000001);
  file.flush();
  const std::vector<Message> events = parse_events(file.path());
  ASSERT_EQ(events.size(), 3U);

  EXPECT_EQ(events[0].texts.at(3), "brain.Event:2");
  EXPECT_GT(number_as_double(events[0].numbers.at(1)), 1.7e9) << "seconds since 1970";

  EXPECT_EQ(number_as_double(events[1].numbers.at(1)), 1700000000.5);
  EXPECT_EQ(events[1].numbers.at(2), 3U);
  const Message value = parse_message(parse_message(events[1].texts.at(5)).texts.at(1));
  EXPECT_EQ(value.texts.at(1), "train/loss");
  EXPECT_EQ(value.numbers.at(2), std::bit_cast<std::uint32_t>(0.25F));

  EXPECT_EQ(events[2].numbers.at(2), std::uint64_t{1} << 40U);
  const Message second = parse_message(parse_message(events[2].texts.at(5)).texts.at(1));
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(static_cast<std::uint32_t>(second.numbers.at(2)))));
}

TEST_F(EventFileTest, IsNamedAsTensorBoardLooksForIt) {
  const EventFile first(folder_);
  const EventFile second(folder_);
  EXPECT_NE(first.path(), second.path());
  for (const EventFile* file : {&first, &second}) {
    EXPECT_THAT(file->path().filename().string(),
                testing::MatchesRegex("events\\.out\\.tfevents\\.[0-9]+\\.[0-9]\\.saccade"));
  }
}

TEST_F(EventFileTest, AResumedRunDropsTheStepsItWritesAgain) {
  EXPECT_EQ(parse_events(EventFile(folder_).path()).size(), 1U);
  const EventFile resumed(folder_, 940);
  const std::vector<Message> events = parse_events(resumed.path());
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].numbers.at(2), 940U);
  EXPECT_EQ(parse_message(events[1].texts.at(7)).numbers.at(1), 1U) << "SessionLog.START";
}

TEST_F(EventFileTest, IsAppendedToByFlushAndByTheEnd) {
  std::filesystem::path path;
  {
    EventFile file(folder_);
    path = file.path();
    file.scalar("a", 1, 0, 0);
    EXPECT_EQ(parse_events(path).size(), 1U) << "kept in memory until flush";
    file.flush();
    EXPECT_EQ(parse_events(path).size(), 2U);
    EventFile moved = std::move(file);
    moved.scalar("a", 2, 1, 0);
  }
  EXPECT_EQ(parse_events(path).size(), 3U);
}

TEST_F(EventFileTest, AFullDiskLeavesWholeRecords) {
  EventFile file(folder_);
  file.scalar("a", 1, 0, 0);
  file.flush();
  const auto size = std::filesystem::file_size(file.path());

  // A limit on the file's size stands in for a full disk: a write ends in the middle, the next one fails.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignore = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {size + 10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  file.scalar("a", 2, 1, 0);
  std::string message = "no error";
  try {
    file.flush();
  } catch (const SystemError& error) {
    message = error.what();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignore);

  EXPECT_THAT(message, HasSubstr("expected to append to it, got File too large"));
  EXPECT_EQ(std::filesystem::file_size(file.path()), size);
  file.flush();
  EXPECT_EQ(parse_events(file.path()).size(), 3U) << "the next flush writes it all";
}

TEST_F(EventFileTest, SaysWhyItCannotBeCreated) {
  write_file(folder_ / "file", "");
  try {
    const EventFile file(folder_ / "file" / "logs");
    FAIL() << "no error";
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected to create it, got Not a directory"));
  }
}

}  // namespace
}  // namespace saccade
