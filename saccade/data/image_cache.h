#pragma once
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "saccade/data/image_files.h"

namespace saccade::data {

/// Image files, kept decoded and resized in a folder on disk: the first reading of an image puts it there, later ones
/// take it from there. Costs height * width * channels bytes of disk an image; pays when decoding takes longer than
/// reading that many bytes.
///
/// An entry is addressed by what it was made from: the SHA-256 of the file's absolute path, inode, size and time of
/// last change (ns), and of the options that shape it. A file that is replaced or edited therefore has another entry,
/// and two data sets that share files share entries. The file's own bytes are not hashed, since reading them each time
/// is what the cache saves; a change that keeps path, inode, size and time goes unnoticed.
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

  /// The file that holds image i, or will. Throws SystemError when the image's file is not there.
  std::filesystem::path entry(Index i) const;
  /// Images decoded so far because they were not in the cache, or damaged there.
  Index decoded() const noexcept { return decoded_.load(); }
  /// Why the first entry that could not be written was not; empty while all were.
  std::string write_failure() const;

 private:
  void write(const std::filesystem::path& entry, const Tensor& image) const;

  std::shared_ptr<const ImageFiles> source_;
  std::filesystem::path folder_;
  std::string options_;  // What of the reading options shapes an image, as text.
  mutable std::atomic<Index> decoded_ = 0;
  mutable std::mutex mutex_;  // Guards what follows.
  mutable std::string write_failure_;
};

}  // namespace saccade::data
