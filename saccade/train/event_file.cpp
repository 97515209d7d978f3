#include "saccade/train/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "saccade/base/error.h"

namespace saccade {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string action, int code) {
  throw SystemError({.where = path.string(),
                     .expected = std::move(action),
                     .got = std::strerror(code),
                     .fix = code == ENOSPC ? "free some disk space" : "check the folder and its permissions"});
}

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t remainder = i;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1U) ^ ((remainder & 1U) != 0 ? 0x82F63B78U : 0U);
    table[i] = remainder;
  }
  return table;
}();

/// TFRecord stores a CRC rotated and shifted, so that a CRC of data that holds CRCs stays strong.
std::uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(internal::crc32c(bytes), 15) + 0xA282EAD8U; }

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFFU);
  return bytes;
}

/// Protocol buffer encoding: a field is its key (number * 8 + wire type) and its value.
std::string varint(std::uint64_t value) {
  std::string bytes;
  while (value >= 0x80U) {
    bytes += static_cast<char>((value & 0x7FU) | 0x80U);
    value >>= 7U;
  }
  return bytes + static_cast<char>(value);
}
std::string varint_field(std::uint64_t number, Index value) {
  return varint(number << 3U) + varint(static_cast<std::uint64_t>(value));
}
std::string double_field(std::uint64_t number, double value) {
  return varint(number << 3U | 1U) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string bytes_field(std::uint64_t number, std::string_view bytes) {
  return varint(number << 3U | 2U) + varint(bytes.size()) + std::string(bytes);
}
std::string float_field(std::uint64_t number, float value) {
  return varint(number << 3U | 5U) + little_endian(std::bit_cast<std::uint32_t>(value));
}

// Field numbers of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
std::string event(double wall_time_s, Index step, std::string_view what) {
  return double_field(1, wall_time_s) + varint_field(2, step) + std::string(what);
}
std::string file_version() { return bytes_field(3, "brain.Event:2"); }
std::string scalar_summary(std::string_view tag, float value) {
  return bytes_field(5, bytes_field(1, bytes_field(1, tag) + float_field(2, value)));
}
std::string session_start() { return bytes_field(7, varint_field(1, 1)); }

}  // namespace

std::uint32_t internal::crc32c(std::string_view bytes) noexcept {
  std::uint32_t remainder = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    remainder = (remainder >> 8U) ^ kCrcTable[(remainder ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~remainder;
}

EventFile::EventFile(const std::filesystem::path& folder, Index resume_step) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail(folder, "to create it", error.value());
  const double now_s = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  // Two runs may begin in one second; each has its own file.
  for (int number = 0; descriptor_ < 0; ++number) {
    path_ = folder / fmt::format("events.out.tfevents.{:010}.{}.saccade", static_cast<Index>(now_s), number);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) fail(path_, "to create it", errno);
  }
  append_record(event(now_s, 0, file_version()));
  if (resume_step > 0) append_record(event(now_s, resume_step, session_start()));
  try {
    flush();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

EventFile::EventFile(EventFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_bytes_(other.size_bytes_),
      pending_(std::move(other.pending_)) {}

EventFile::~EventFile() {
  if (descriptor_ < 0) return;
  try {
    flush();
  } catch (const Error&) {
    // A destructor cannot report it; whoever must know calls flush() first.
  }
  ::close(descriptor_);
}

void EventFile::scalar(std::string_view tag, double value, Index step, double wall_time_s) {
  append_record(event(wall_time_s, step, scalar_summary(tag, static_cast<float>(value))));
}

void EventFile::append_record(std::string_view record) {
  const std::string length = little_endian(std::uint64_t{record.size()});
  pending_ += length;
  pending_ += little_endian(masked_crc32c(length));
  pending_ += record;
  pending_ += little_endian(masked_crc32c(record));
}

void EventFile::flush() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0) {
      const int code = errno;
      if (code == EINTR) continue;
      // Half a record would hide every record after it from the reader.
      if (::ftruncate(descriptor_, size_bytes_) != 0) fail(path_, "to take back half a record", errno);
      fail(path_, "to append to it", code);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  size_bytes_ += isize(pending_.size());
  pending_.clear();
}

}  // namespace saccade
