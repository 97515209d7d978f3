#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saccade/base/file.h"
#include "saccade/data/fetch.h"
#include "saccade/data/fetch/known_sets.h"

namespace saccade::data {

/// One set's place in a cache. Below the cache stand
///   <set>/                the canonical files, and the record .verified that says they are
///   .<set>.partial/       what an unfinished fetch has so far
///   .<set>.lock           held while a process fetches the set
class SetFolder {
 public:
  /// `set` must outlive this object.
  SetFolder(const KnownSet& set, const std::filesystem::path& cache);

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& partial() const { return partial_; }

  /// Whether the record is there and agrees with the sizes and times of all files: then they are good, and it took no time
  /// to find out.
  bool is_recorded() const;
  /// What is wrong with each file of the set, in order: "is missing", "has 100 bytes instead of 10008", ...; nothing for
  /// a good one. Hashes the files unless is_recorded(), and records a set that turns out to be good. Throws nothing of its
  /// own: a file that cannot be read is a file with something wrong.
  std::vector<std::optional<std::string>> check(const ProgressFunction& progress) const;

  /// Puts a file in place: `produce` writes its bytes, which must have the right size and SHA-256.
  /// Throws SourceFailure when they have not (nothing is changed then), SystemError when they cannot be written.
  void put(const CanonicalFile& file, const std::function<void(const Append&)>& produce,
           const ProgressFunction& progress) const;

  /// Writes the record. Every file must be good.
  void record() const;

 private:
  std::string expected_record() const;

  const KnownSet& set_;
  std::filesystem::path path_;
  std::filesystem::path partial_;
};

/// Holds the lock of a set; a process that dies lets go of it. Calls `on_wait` when another process holds it.
/// On a file system without locks it holds nothing: files are then still put in place whole and verified.
class SetLock {
 public:
  SetLock(const std::filesystem::path& cache, const std::string& set, const std::function<void()>& on_wait);
  SetLock(const SetLock&) = delete;
  SetLock& operator=(const SetLock&) = delete;
  ~SetLock();

 private:
  int descriptor_;
};

/// Makes a folder and those above it. Throws SystemError that says what to do.
void make_folder(const std::filesystem::path& folder);

/// Passes everything that `read` gives (until it returns 0) to `append`.
void copy_all(const std::function<std::size_t(std::span<std::byte>)>& read, const Append& append);

}  // namespace saccade::data
