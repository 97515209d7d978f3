#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace saccade::data {

/// Reads a file from front to back and inflates it on the way when it is a gzip file; any other file is read as it is.
/// It holds a quarter of a megabyte at a time: archives are large. (ByteReader, for data set files, works in memory.)
/// Throws SourceFailure when it cannot be opened or read, or is a truncated or damaged gzip file.
class GzipFile {
 public:
  explicit GzipFile(const std::filesystem::path& path);
  ~GzipFile();
  /// Fills as much of `bytes` as there is left; returns how much, 0 at the end.
  std::size_t read(std::span<std::byte> bytes);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace saccade::data
