#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "saccade/base/integer.h"
#include "saccade/data/fetch/gzip_file.h"

namespace saccade::data {

struct TarMember {
  std::string name;  ///< As stored; nothing is ever written to this path.
  Index size_bytes = 0;
};

/// Walks the regular files of a tar archive (POSIX ustar, GNU, v7) from front to back. Folders, links and extended
/// headers are skipped. Throws SourceFailure, with the byte offset in the unpacked archive, on a header whose checksum or
/// size field is wrong and on an archive that ends too early.
class TarReader {
 public:
  /// `file` must outlive the reader.
  explicit TarReader(GzipFile& file) : file_(file) {}
  /// The next regular file, or nothing at the end of the archive.
  std::optional<TarMember> next();
  /// The content of the member that next() returned: fills as much of `bytes` as there is left; 0 at its end.
  std::size_t read(std::span<std::byte> bytes);

 private:
  void skip(Index count);

  GzipFile& file_;
  Index offset_ = 0;  ///< In the unpacked archive.
  Index left_ = 0;    ///< Content of this member not read yet.
  Index padding_ = 0;
};

}  // namespace saccade::data
