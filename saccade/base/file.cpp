#include "saccade/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "saccade/base/error.h"

namespace saccade {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view action, int code) {
  std::string fix = "check the path and its permissions";
  if (code == ENOSPC || code == EDQUOT) fix = "free some disk space, or choose another folder";
  if (code == ENOENT) fix = "check that the path exists";
  if (path.empty()) fix = "name a file";
  throw SystemError({.where = path.empty() ? "file ''" : path.string(),
                     .expected = fmt::format("to {} it", action),
                     .got = std::strerror(code),
                     .fix = fix});
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }
  int close() { return ::close(std::exchange(value_, -1)); }

 private:
  int value_;
};

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder; the rename has then happened all the same.
  if (descriptor.get() >= 0) ::fsync(descriptor.get());
}

/// Hands `write` the function that appends to an open file.
void write_into(const Descriptor& descriptor, const std::filesystem::path& path,
                const std::function<void(const Append&)>& write) {
  write([&](std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        fail(path, "write", errno);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  });
}

/// A new, empty file in `folder` under a name that nothing else has. Made by open rather than mkstemp, so that it gets the
/// mode of any other new file.
std::pair<int, std::string> open_temporary(const std::filesystem::path& folder) {
  static std::atomic<unsigned> number{0};
  for (;;) {
    std::string name = (folder / fmt::format(".saccade-{}-{}.tmp", ::getpid(), number++)).string();
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return {descriptor, std::move(name)};
  }
}

void write_whole(const std::filesystem::path& path, const std::function<void(const Append&)>& write, bool sync) {
  std::error_code no_link;
  const std::filesystem::path resolved = std::filesystem::canonical(path, no_link);
  const std::filesystem::path& target = no_link ? path : resolved;
  struct stat status {};
  if (::stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    Descriptor device(::open(target.c_str(), O_WRONLY | O_CLOEXEC));
    if (device.get() < 0) fail(path, "write", errno);
    write_into(device, path, write);
    if (device.close() != 0) fail(path, "write", errno);
    return;
  }

  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
  const auto [number, temporary] = open_temporary(folder);
  if (number < 0) fail(path, "write", errno);
  Descriptor descriptor(number);
  try {
    write_into(descriptor, path, write);
    if (sync && ::fsync(descriptor.get()) != 0) fail(path, "sync", errno);
    if (descriptor.close() != 0) fail(path, "write", errno);
    if (::rename(temporary.c_str(), target.c_str()) != 0) fail(path, "rename the finished file to", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (sync) sync_folder(folder);
}

}  // namespace

void write_file(const std::filesystem::path& path, const std::function<void(const Append&)>& write) {
  write_whole(path, write, true);
}

void write_file_unsynced(const std::filesystem::path& path, const std::function<void(const Append&)>& write) {
  write_whole(path, write, false);
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  write_file(path, [&](const Append& append) { append(bytes); });
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

std::vector<std::byte> read_file(const std::filesystem::path& path, Index limit_bytes) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) fail(path, "read", errno);
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) fail(path, "read", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "read", EISDIR);
  const auto too_large = [&](std::string got) {
    return FormatError({.where = path.string(),
                        .expected = fmt::format("at most {} bytes", limit_bytes),
                        .got = std::move(got),
                        .fix = "check that this is the file you meant"});
  };
  if (status.st_size > limit_bytes) throw too_large(fmt::format("{}", status.st_size));
  std::vector<std::byte> bytes;
  // A pipe has no size to ask for, so the file is read until it ends, and the limit is checked as it grows.
  std::size_t size = 0;
  bytes.resize(static_cast<std::size_t>(status.st_size > 0 ? status.st_size + 1 : 65536));
  for (;;) {
    const ssize_t count = ::read(descriptor.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0) {
      if (errno == EINTR) continue;
      fail(path, "read", errno);
    }
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (isize(size) > limit_bytes) throw too_large("more");
    if (size == bytes.size()) bytes.resize(bytes.size() * 2);
  }
  bytes.resize(size);
  return bytes;
}

std::string read_text_file(const std::filesystem::path& path, Index limit_bytes) {
  const std::vector<std::byte> bytes = read_file(path, limit_bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace saccade
