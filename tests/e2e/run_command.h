#pragma once
#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace saccade::e2e {

/// How to run a program, and what to do to it on the way.
struct RunOptions {
  std::filesystem::path cwd;                    ///< Empty: that of the test.
  std::string stdin_text;                       ///< What it reads; then its standard input ends.
  std::map<std::string, std::string> env = {};  ///< On top of the test's own environment.
  int signal = SIGKILL;                         ///< Sent once, when kill_after_ms is over.
  int kill_after_ms = -1;                       ///< Below 0: never.
  std::string kill_clock_starts_at;             ///< Text on stderr that starts that clock; empty: the start.
  unsigned long long file_limit_bytes = 0;      ///< Above 0: writing past it fails, as on a full disk.
  unsigned long long memory_limit_bytes = 0;    ///< Above 0: of its address space.
  int timeout_ms = 300'000;                     ///< Killed then; a test should call that a failure.
};

struct Result {
  int exit_code = -1;  ///< -1 when a signal ended it.
  int signal = 0;      ///< The signal that ended it, or 0.
  bool timed_out = false;
  double seconds = 0.0;
  std::string out, err;
};

/// Runs a program, found by its path or on PATH, without a shell in between, and waits for its end.
Result run_program(const std::vector<std::string>& argv, const RunOptions& options = {});

/// Runs `saccade` as built with this test.
Result run(std::vector<std::string> args, const RunOptions& options = {});

/// "saccade train mnist", with what it printed: for failure messages.
std::string describe(const std::vector<std::string>& args, const Result& result);

}  // namespace saccade::e2e
