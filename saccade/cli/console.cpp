#include "saccade/cli/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iostream>
#include <utility>

#include "saccade/base/printable.h"

namespace saccade::cli {
namespace {

constexpr double kTerminalInterval = 0.1;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int terminal_columns(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

constexpr std::array<const char*, 6> kByteUnits = {"B", "kB", "MB", "GB", "TB", "PB"};

/// The unit in which `bytes` reads best: the power of 1000.
std::size_t byte_unit(Index bytes) {
  std::size_t unit = 0;
  for (auto value = static_cast<double>(bytes); unit + 1 < kByteUnits.size() && value >= (unit == 0 ? 1000 : 999.95);
       ++unit) {
    value /= 1000;
  }
  return unit;
}

std::string in_unit(Index bytes, std::size_t unit) {
  if (unit == 0) return fmt::format("{}", bytes);
  return fmt::format("{:.1f}", static_cast<double>(bytes) / std::pow(1000.0, static_cast<double>(unit)));
}

/// "14.6/47.0 MB", "210/469", and just "47.0 MB" once all is done or while no total is known.
std::string format_amount(ProgressUnit unit, Index done, std::optional<Index> total) {
  const bool is_part = total && done != *total;
  if (unit == ProgressUnit::items) return is_part ? fmt::format("{}/{}", done, *total) : fmt::format("{}", done);
  if (!is_part) return format_bytes(done);
  const std::size_t power = byte_unit(*total);
  return fmt::format("{}/{} {}", in_unit(done, power), in_unit(*total, power), kByteUnits[power]);
}

std::string format_rate(ProgressUnit unit, double per_second) {
  if (unit == ProgressUnit::bytes) return format_bytes(static_cast<Index>(per_second)) + "/s";
  return per_second < 10 ? fmt::format("{:.1f}/s", per_second) : fmt::format("{:.0f}/s", per_second);
}

std::string bar(double fraction) {
  constexpr int kWidth = 20;
  const int filled = static_cast<int>(fraction * kWidth);
  std::string text(static_cast<std::size_t>(filled), '=');
  if (filled < kWidth) text += fmt::format(">{:{}}", "", kWidth - filled - 1);
  return fmt::format("[{}]", text);
}

}  // namespace

Console system_console() {
  return {.out = std::cout,
          .err = std::cerr,
          .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
          .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
          .err_columns = terminal_columns(STDERR_FILENO)};
}

void warn(Console& console, std::string_view text) { console.err << "warning: " << printable(text) << std::endl; }

std::string format_bytes(Index bytes) {
  const std::size_t unit = byte_unit(bytes);
  return fmt::format("{} {}", in_unit(bytes, unit), kByteUnits[unit]);
}

std::string format_seconds(double seconds) {
  const auto whole = static_cast<Index>(std::ceil(std::clamp(seconds, 0.0, 1e9)));
  const Index hours = whole / 3600;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

ProgressBar::ProgressBar(Console& console, ProgressBarOptions options)
    : console_(console), options_(std::move(options)) {
  if (!options_.clock_seconds) options_.clock_seconds = steady_seconds;
  start_ = options_.clock_seconds();
  if (!console_.err_is_terminal) last_drawn_ = start_;
}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::update(Index done, std::string_view note) {
  done_ = done;
  if (note_ != note) note_ = note;
  const double interval = console_.err_is_terminal ? kTerminalInterval : options_.plain_interval_seconds;
  const double now = options_.clock_seconds();
  if (last_drawn_ && now - *last_drawn_ < interval) return;
  last_drawn_ = now;
  draw(false);
}

void ProgressBar::finish() {
  if (std::exchange(finished_, true)) return;
  draw(true);
}

std::string ProgressBar::text(bool finished) const {
  const double elapsed = options_.clock_seconds() - start_;
  // A rate over less than this says more about the clock than about the work.
  const double rate = elapsed >= 0.1 ? static_cast<double>(done_) / elapsed : 0;
  std::string line = options_.label;
  auto append = [&line](const std::string& part) {
    if (!part.empty()) line += (line.empty() ? "" : "  ") + part;
  };
  if (options_.total && *options_.total > 0) {
    const double fraction = std::clamp(static_cast<double>(done_) / static_cast<double>(*options_.total), 0.0, 1.0);
    if (console_.err_is_terminal) append(bar(fraction));
    append(fmt::format("{:3} %", static_cast<int>(fraction * 100)));
  }
  if (options_.total || done_ > 0) append(format_amount(options_.unit, done_, options_.total));
  if (rate > 0) append(format_rate(options_.unit, rate));
  if (finished) {
    append(elapsed < 60 ? fmt::format("{:.1f} s", elapsed) : format_seconds(elapsed));
  } else if (rate > 0 && options_.total) {
    append("ETA " + format_seconds(static_cast<double>(*options_.total - done_) / rate));
  } else {
    append(format_seconds(elapsed));
  }
  append(note_);
  return line;
}

void ProgressBar::draw(bool finished) {
  std::string line = text(finished);
  if (console_.err_is_terminal) {
    // A line as wide as the terminal would wrap, and the next \r would not reach its beginning.
    const auto width = static_cast<std::size_t>(std::max(console_.err_columns - 1, 1));
    if (line.size() > width) line.resize(width);
    // \x1b[K clears what a longer line left behind.
    console_.err << '\r' << line << "\x1b[K" << (finished ? "\n" : "") << std::flush;
  } else {
    console_.err << line << std::endl;
  }
}

}  // namespace saccade::cli
