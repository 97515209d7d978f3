#include "saccade/data/fetch/gzip_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "saccade/data/fetch/source_failure.h"

namespace saccade::data {

struct GzipFile::Handle {
  std::string name;
  gzFile file = nullptr;
  ~Handle() {
    if (file != nullptr) gzclose_r(file);
  }
};

GzipFile::GzipFile(const std::filesystem::path& path) : handle_(std::make_unique<Handle>()) {
  handle_->name = path.filename().string();
  // Opening a folder succeeds and opening a pipe may wait for ever; neither is a file to read.
  struct stat status {};
  errno = 0;
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) handle_->file = gzopen(path.c_str(), "rbe");
  if (handle_->file == nullptr) {
    throw SourceFailure(
        fmt::format("{} cannot be read ({})", handle_->name, errno == 0 ? "not a regular file" : std::strerror(errno)));
  }
  gzbuffer(handle_->file, 1U << 18);
}

GzipFile::~GzipFile() = default;

std::size_t GzipFile::read(std::span<std::byte> bytes) {
  const std::size_t wanted = std::min(bytes.size(), std::size_t{1} << 30);
  const int count = gzread(handle_->file, bytes.data(), static_cast<unsigned>(wanted));
  int code = Z_OK;
  const char* message = gzerror(handle_->file, &code);
  // A truncated file gives its bytes first, and says so only then.
  if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    const std::string reason = code == Z_BUF_ERROR ? "it ends too early" : message;
    throw SourceFailure(fmt::format("{} is a damaged gzip file ({})", handle_->name, reason));
  }
  return static_cast<std::size_t>(count);
}

}  // namespace saccade::data
