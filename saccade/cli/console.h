#pragma once
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "saccade/base/integer.h"

namespace saccade::cli {

/// Where a command prints: results to `out`, everything else (progress, notices, errors) to `err`, so that a result can
/// be piped. Tests hand in string streams.
struct Console {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int err_columns = 80;  ///< Width of the terminal.
};

/// This process's stdout and stderr.
Console system_console();

/// Prints what a user should know, one line, with what is in it of file names made printable().
void warn(Console& console, std::string_view text);

/// "999 B", "10.0 kB", "47.0 MB", "1.2 GB" (powers of 1000).
std::string format_bytes(Index bytes);
/// "0:07", "12:30", "1:00:00".
std::string format_seconds(double seconds);

enum class ProgressUnit : std::uint8_t { items, bytes };

struct ProgressBarOptions {
  std::string label;
  std::optional<Index> total;
  ProgressUnit unit = ProgressUnit::items;
  double plain_interval_seconds = 10;          ///< Between lines when err is not a terminal.
  std::function<double()> clock_seconds = {};  ///< For tests; empty: the steady clock.
};

/// One line that shows how far something is:
///   label  [=====>              ]  31 %  14.6/47.0 MB  35.1 MB/s  ETA 0:01  note
/// On a terminal it is drawn over itself, at most ten times a second, and once more at the end; elsewhere a plain line
/// appears every plain_interval_seconds, and one at the end. Without a total: label, amount, rate, time so far.
class ProgressBar {
 public:
  /// `console` must outlive the bar.
  ProgressBar(Console& console, ProgressBarOptions options);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();  ///< finish()

  /// `note` is what else there is to say ("loss 0.31").
  void update(Index done, std::string_view note = {});
  void set_total(std::optional<Index> total) { options_.total = total; }
  const std::string& label() const { return options_.label; }
  /// Shows the last state with the time it took, and ends the line. The bar is done with then.
  void finish();

 private:
  std::string text(bool finished) const;
  void draw(bool finished);

  Console& console_;
  ProgressBarOptions options_;
  double start_;
  std::optional<double> last_drawn_;
  Index done_ = 0;
  std::string note_;
  bool finished_ = false;
};

}  // namespace saccade::cli
