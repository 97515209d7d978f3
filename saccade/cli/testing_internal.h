#pragma once
#include <sstream>
#include <string>
#include <vector>

#include "saccade/cli/main_command.h"

namespace saccade::cli {

/// What a command left behind.
struct Outcome {
  int code;
  std::string out;
  std::string err;
};

/// Runs the whole command in this process.
inline Outcome run_with(const std::vector<std::string>& arguments) {
  std::vector<const char*> pointers = {"saccade"};
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream err;
  Console console{.out = out, .err = err};
  const int code = run(static_cast<int>(pointers.size()), pointers.data(), console);
  return {code, out.str(), err.str()};
}

}  // namespace saccade::cli
