#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "saccade/data/image_files.h"

namespace saccade::data {

/// Image files, kept decoded and resized in a folder on disk: the first reading of an image puts it there, later ones
/// take it from there. Costs height * width * channels bytes of disk an image; pays when decoding takes longer than
/// reading that many bytes.
///
/// An entry is addressed by what it was made from: the SHA-256 of the file's bytes and of the options that shape the image.
/// Data sets that hold the same files share entries, wherever they are, and a file that changes has another entry. Files are
/// read and hashed once a CachedImages; after that its inode, size and time of last change (ns) tell whether one is still
/// the same, and a reading costs no more than the entry.
///
/// Entries are written to a temporary file and renamed, and carry a CRC-32 that is checked at each reading: processes
/// may share the folder and be killed at any time. A damaged entry is made again. When an entry cannot be written (disk
/// full), images are decoded as without a cache from there on, and write_failure() says why. Nothing is ever removed:
/// delete the folder to free its space.
class CachedImages final : public Dataset {
 public:
  /// Makes the folder. Throws SystemError when it cannot.
  CachedImages(std::shared_ptr<const ImageFiles> source, std::filesystem::path folder);

  std::string name() const override { return source_->name(); }
  Index size() const noexcept override { return source_->size(); }
  Shape image_shape() const override { return source_->image_shape(); }
  const std::vector<std::string>& class_names() const noexcept override { return source_->class_names(); }
  Index label(Index i) const override { return source_->label(i); }
  bool has_weights() const noexcept override { return source_->has_weights(); }
  float weight(Index i) const override { return source_->weight(i); }
  bool has_targets() const noexcept override { return source_->has_targets(); }
  void target(Index i, std::span<float> out) const override { source_->target(i, out); }
  std::string sample_name(Index i) const override { return source_->sample_name(i); }
  Sample get(Index i) const override;

  /// The file that holds image i, or will. Throws SystemError when the image's file cannot be read, FormatError when it is
  /// larger than ImageReading::limits.
  std::filesystem::path entry(Index i) const;
  /// Images decoded so far because they were not in the cache, or damaged there.
  Index decoded() const noexcept { return decoded_.load(); }
  /// Why the first entry that could not be written was not; empty while all were.
  std::string write_failure() const;

 private:
  /// What of a file's state tells that it is still the one that was hashed; the size is -1 for none.
  struct Identity {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = -1, seconds = 0, nanoseconds = 0;
    bool operator==(const Identity&) const = default;
  };
  using Address = std::array<char, 64>;  // hexadecimal
  struct Known {
    Identity identity;
    Address address{};
  };

  Identity identity_of(Index i) const;
  std::vector<std::byte> bytes_of(Index i) const;
  Address remember(Index i, const Identity& identity, std::span<const std::byte> bytes) const;
  std::filesystem::path path_of(const Address& address) const;
  void write(const std::filesystem::path& entry, const Tensor& image) const;

  std::shared_ptr<const ImageFiles> source_;
  std::filesystem::path folder_;
  std::string options_;  // What of the reading options shapes an image, as text.
  mutable std::atomic<Index> decoded_ = 0;
  mutable std::mutex mutex_;  // Guards what follows.
  mutable std::string write_failure_;
  mutable std::vector<Known> known_;  // an image each
};

}  // namespace saccade::data
