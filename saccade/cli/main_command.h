#pragma once
#include "saccade/cli/console.h"

namespace saccade::cli {

/// The whole command: parses the arguments, runs what they say, and returns the exit code:
///   0  done, or help or version printed
///   1  a defect of Saccade itself: one line "internal error: ..." on stderr
///   2  wrong usage or bad input: one line on stderr that says where, what was expected, what was found, what to do
/// A command that must end with another code throws Exit{code} once it has said why.
int run(int argc, const char* const* argv, Console& console);
/// The same, on this process's stdout and stderr.
int run(int argc, const char* const* argv);

}  // namespace saccade::cli
