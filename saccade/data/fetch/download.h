#pragma once
#include <filesystem>
#include <string>

#include "saccade/base/integer.h"
#include "saccade/data/fetch.h"

namespace saccade::data {

struct DownloadOptions {
  std::string label;                    ///< For progress.
  Index limit_bytes = Index{1} << 30;   ///< A longer answer is refused.
  int attempts = 4;                     ///< Tries in a row that bring no new byte before it gives up.
  double pause_seconds = 1.0;           ///< Before each further try.
  double connect_timeout_seconds = 15;  ///< Also the longest silence on an open connection.
  ProgressFunction progress = {};
};

/// Downloads an http(s) URL to the file `path`, going on behind the bytes that are there already (from a connection or a
/// process that broke), as long as the server can; from the start otherwise. When nothing follows those bytes, they are
/// taken to be all. A file that changed on the server in between comes out mixed: verify the result, and on failure remove
/// it and download again.
/// Honours the usual proxy variables. Throws SourceFailure (what is there stays, for the next time), SystemError when
/// `path` cannot be written.
void download(const std::string& url, const std::filesystem::path& path, const DownloadOptions& options);

}  // namespace saccade::data
