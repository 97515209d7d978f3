#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::internal {

/// Whether the bytes begin as a zip archive does.
bool is_archive(std::span<const std::byte> bytes);

/// A zip archive in memory: what PyTorch's and Keras's files are. All it unpacks together is bounded by the archive's own
/// size, checksums are compared, encrypted entries and those with other compression than deflate refused.
class Archive {
 public:
  /// The bytes must outlive the archive; `file` is what messages call it. Throws FormatError for what is no archive, and for
  /// one with two entries of a name.
  Archive(std::span<const std::byte> bytes, std::string file);
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  ~Archive();

  const std::vector<std::string>& names() const noexcept { return names_; }
  bool has(std::string_view name) const;
  /// The unpacked entry. Throws FormatError where there is none, or it is damaged or too large.
  std::vector<std::byte> read(std::string_view name);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
  std::string file_;
  std::vector<std::string> names_;
  Index allowance_;  ///< Bytes that may still be unpacked.
};

/// An entry of an archive to be written.
struct ArchiveEntry {
  std::string name;
  std::span<const std::byte> bytes;
};

/// The bytes of a zip archive with these entries, stored as they are: one content, one sequence of bytes.
std::vector<std::byte> encode_archive(std::span<const ArchiveEntry> entries);

}  // namespace saccade::internal
