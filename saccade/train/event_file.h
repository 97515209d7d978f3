#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "saccade/base/integer.h"

namespace saccade {

/// A TensorBoard event file: scalars over the steps of a run.
///
/// One process writes one file, `events.out.tfevents.<seconds since 1970>.<n>.saccade`, and only ever appends to it.
/// TensorBoard reads all event files of a folder as one run, so a resumed run adds a file of its own.
/// Format: TFRecords (length, masked CRC-32C of the length, record, masked CRC-32C of the record) that hold protocol
/// buffer messages `tensorflow.Event`; the first says file_version "brain.Event:2". Not safe for use by two threads at
/// once.
class EventFile {
 public:
  /// Creates the file (and the folder). A run that resumes passes the first step it will write, and TensorBoard then
  /// drops what an interrupted run wrote from that step on. Throws SystemError.
  explicit EventFile(const std::filesystem::path& folder, Index resume_step = 0);
  EventFile(EventFile&& other) noexcept;
  EventFile& operator=(EventFile&&) = delete;
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;
  /// Writes what is left, as far as that succeeds.
  ~EventFile();

  const std::filesystem::path& path() const noexcept { return path_; }

  /// Adds one point to the curve `tag` ("train/loss"); kept in memory until flush(). The value is stored as float32.
  /// wall_time_s: seconds since 1970.
  void scalar(std::string_view tag, double value, Index step, double wall_time_s);

  /// Appends what was added to the file. Throws SystemError; the file then still ends with a whole record, and the next
  /// flush() tries again.
  void flush();

 private:
  void append_record(std::string_view record);

  std::filesystem::path path_;
  int descriptor_ = -1;
  Index size_bytes_ = 0;
  std::string pending_;
};

namespace internal {

/// CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected), as iSCSI and TFRecord use it; RFC 3720 appendix B.4.
std::uint32_t crc32c(std::string_view bytes) noexcept;

}  // namespace internal

}  // namespace saccade
