#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// metrics.csv: one row an epoch, as Keras's CSVLogger writes it.
///
/// The column `epoch` (0-based) comes first, then the metrics in alphabetical order. The first row fixes the columns: a
/// metric that it lacks is left out of later rows, and one that a later row lacks reads NA. Numbers have the shortest
/// form that reads back as the same double. A name with a comma, a quote or a line break stands in quotes (RFC 4180);
/// lines end with '\n'.
/// The whole file is written anew for every row and takes its name in one step, so that a reader, or a process killed
/// at any instant, finds whole rows only.
class CsvLog {
 public:
  /// Begins a log, or goes on with one: of an existing file the rows with epoch < keep_epochs stay as they are, and
  /// the rest (epochs that a resumed run does again) is dropped with the next row. keep_epochs = 0 begins anew,
  /// whatever stands there.
  /// Throws SystemError when the file cannot be read, FormatError (file and line) when it is no such log.
  explicit CsvLog(std::filesystem::path path, Index keep_epochs = 0);

  /// Adds a row and writes the file. `metrics` maps names to values. Throws SystemError.
  void row(Index epoch, const std::map<std::string, double>& metrics);

  const std::vector<std::string>& columns() const noexcept { return columns_; }  ///< Without `epoch`.

 private:
  std::filesystem::path path_;
  std::vector<std::string> columns_;
  std::string text_;  ///< The file so far, header included; empty until the columns are known.
};

}  // namespace saccade
