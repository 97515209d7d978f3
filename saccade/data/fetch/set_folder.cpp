#include "saccade/data/fetch/set_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "saccade/base/error.h"
#include "saccade/data/fetch/gzip_file.h"
#include "saccade/data/fetch/sha256.h"
#include "saccade/data/fetch/source_failure.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

/// Size and time of a regular file as the record writes them; nothing when there is none.
std::optional<std::string> size_and_time(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return fmt::format("{} {}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/// Counts and hashes what passes, and stops a source that gives more than the file has.
class Verifier {
 public:
  Verifier(const CanonicalFile& file, const std::string& label, const ProgressFunction& progress)
      : file_(file), label_(label), progress_(progress) {}

  void take(std::span<const std::byte> bytes) {
    done_ += isize(bytes.size());
    if (done_ > file_.size_bytes) {
      throw SourceFailure(fmt::format("{} has more than {} bytes", file_.name, file_.size_bytes));
    }
    sha_.update(bytes);
    if (progress_) progress_({.label = label_, .done_bytes = done_, .total_bytes = file_.size_bytes});
  }

  void finish() {
    if (done_ != file_.size_bytes) {
      throw SourceFailure(fmt::format("{} has {} bytes instead of {}", file_.name, done_, file_.size_bytes));
    }
    if (const std::string sha256 = sha_.finish(); sha256 != file_.sha256) {
      throw SourceFailure(fmt::format("{} has SHA-256 {} instead of {}", file_.name, sha256, file_.sha256));
    }
  }

 private:
  const CanonicalFile& file_;
  const std::string& label_;
  const ProgressFunction& progress_;
  Sha256 sha_;
  Index done_ = 0;
};

}  // namespace

void make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    throw SystemError({.where = folder.string(),
                       .expected = "to make this folder for data sets",
                       .got = code.message(),
                       .fix = "choose a folder you may write to with --cache or the variable SACCADE_DATA"});
  }
}

void copy_all(const std::function<std::size_t(std::span<std::byte>)>& read, const Append& append) {
  std::vector<std::byte> buffer(std::size_t{1} << 18);
  while (const std::size_t count = read(buffer)) append(std::span(buffer).first(count));
}

SetFolder::SetFolder(const KnownSet& set, const fs::path& cache)
    : set_(set), path_(cache / set.name), partial_(cache / fmt::format(".{}.partial", set.name)) {}

std::string SetFolder::expected_record() const {
  std::string text = "saccade 1\n";
  for (const CanonicalFile& file : set_.files) {
    text += fmt::format("{} {} {}\n", file.sha256, size_and_time(path_ / file.name).value_or("-"), file.name);
  }
  return text;
}

bool SetFolder::is_recorded() const {
  try {
    return read_text_file(path_ / ".verified", 65536) == expected_record();
  } catch (const Error&) {
    return false;
  }
}

std::vector<std::optional<std::string>> SetFolder::check(const ProgressFunction& progress) const {
  std::vector<std::optional<std::string>> wrong(set_.files.size());
  if (is_recorded()) return wrong;
  bool all_good = true;
  for (std::size_t i = 0; i < set_.files.size(); ++i) {
    const CanonicalFile& file = set_.files[i];
    const std::string label = fmt::format("{}: checking {}", set_.name, file.name);
    std::error_code code;
    if (!fs::exists(path_ / file.name, code)) {
      wrong[i] = "is missing";
    } else if (const auto size = fs::file_size(path_ / file.name, code); code || isize(size) != file.size_bytes) {
      wrong[i] = code ? "is not a regular file" : fmt::format("has {} bytes instead of {}", size, file.size_bytes);
    } else {
      try {
        GzipFile source(path_ / file.name);
        Verifier verifier(file, label, progress);
        copy_all([&](std::span<std::byte> bytes) { return source.read(bytes); },
                 [&](std::span<const std::byte> bytes) { verifier.take(bytes); });
        verifier.finish();
      } catch (const SourceFailure&) {
        wrong[i] = "is damaged";
      }
    }
    all_good = all_good && !wrong[i];
  }
  if (all_good) {
    try {
      record();
    } catch (const SystemError&) {
      // A shared cache that this user may only read is checked each time.
    }
  }
  return wrong;
}

void SetFolder::put(const CanonicalFile& file, const std::function<void(const Append&)>& produce,
                    const ProgressFunction& progress) const {
  make_folder(path_);
  make_folder(partial_);
  const fs::path staged = partial_ / file.name;
  const std::string label = fmt::format("{}: {}", set_.name, file.name);
  write_file(staged, [&](const Append& append) {
    Verifier verifier(file, label, progress);
    produce([&](std::span<const std::byte> bytes) {
      verifier.take(bytes);
      append(bytes);
    });
    verifier.finish();
  });
  std::error_code code;
  fs::rename(staged, path_ / file.name, code);
  if (code) {
    throw SystemError({.where = (path_ / file.name).string(),
                       .expected = "to put the finished file in place",
                       .got = code.message(),
                       .fix = "remove what stands there, or choose another folder with --cache"});
  }
}

void SetFolder::record() const { write_file(path_ / ".verified", expected_record()); }

SetLock::SetLock(const fs::path& cache, const std::string& set, const std::function<void()>& on_wait)
    : descriptor_(::open((cache / fmt::format(".{}.lock", set)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    throw SystemError({.where = cache.string(),
                       .expected = "to write in this folder for data sets",
                       .got = std::strerror(errno),
                       .fix = "choose a folder you may write to with --cache or the variable SACCADE_DATA"});
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  on_wait();
  while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

SetLock::~SetLock() { ::close(descriptor_); }

}  // namespace saccade::data
