#pragma once
#include <functional>
#include <string>
#include <vector>

namespace saccade::data {

struct ProcessResult {
  int exit_code = 0;   ///< Or 128 + the number of the signal that ended it.
  std::string output;  ///< What it wrote to stdout and stderr, at most the last 64 KiB.
};

/// Runs a program (found on PATH unless its name holds a slash) with exactly these arguments, no shell in between, no
/// input, and this process's environment; waits for its end. `tick` is called about five times a second; when it throws,
/// the program is terminated and the exception passed on.
/// Throws SourceFailure when the program cannot be started.
ProcessResult run_process(const std::vector<std::string>& arguments, const std::function<void()>& tick);

}  // namespace saccade::data
