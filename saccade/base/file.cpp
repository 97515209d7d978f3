#include "saccade/base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "saccade/base/error.h"

namespace saccade {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view action, int code) {
  std::string fix = "check the path and its permissions";
  if (code == ENOSPC || code == EDQUOT) fix = "free some disk space, or choose another folder";
  if (code == ENOENT) fix = "check that the path exists";
  throw SystemError(
      {.where = path.string(), .expected = fmt::format("to {} it", action), .got = std::strerror(code), .fix = fix});
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

}  // namespace

void write_file(const std::filesystem::path& path, const std::function<void(const Append&)>& write) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::string temporary = (folder / fmt::format(".{}.XXXXXX", path.filename().string())).string();
  Descriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));
  if (descriptor.get() < 0) fail(path, "write", errno);
  try {
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
    // mkostemp makes the file private; a finished file has the mode any other new file would have.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(descriptor.get(), 0666 & ~mask) != 0) fail(path, "write", errno);
    if (::fsync(descriptor.get()) != 0) fail(path, "sync", errno);
    if (descriptor.close() != 0) fail(path, "write", errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path, "rename the finished file to", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(folder);
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
  std::vector<std::byte> bytes;
  // A pipe has no size to ask for, so the file is read until it ends, and the limit is checked as it grows.
  std::size_t size = 0;
  bytes.resize(
      static_cast<std::size_t>(status.st_size > 0 && status.st_size <= limit_bytes ? status.st_size + 1 : 65536));
  for (;;) {
    const ssize_t count = ::read(descriptor.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0) {
      if (errno == EINTR) continue;
      fail(path, "read", errno);
    }
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (isize(size) > limit_bytes) {
      throw FormatError({.where = path.string(),
                         .expected = fmt::format("at most {} bytes", limit_bytes),
                         .got = "a larger file",
                         .fix = "check that this is the file you meant"});
    }
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
