#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "run_command.h"
#include "saccade/data/sets.h"

namespace saccade::e2e {

namespace fs = std::filesystem;

inline const fs::path kSource = SACCADE_SOURCE;  ///< The source tree.

/// A folder of its own under the system's temporary folder, gone at the end.
class Workplace {
 public:
  Workplace();
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

  /// run() in this folder.
  Result run(const std::vector<std::string>& args, RunOptions options = {}) const;
  /// The same; the test fails, and says all, unless it exits with `exit_code`.
  Result expect(int exit_code, const std::vector<std::string>& args, RunOptions options = {}) const;

 private:
  fs::path path_;
};

std::string read(const fs::path& path);
void write(const fs::path& path, const std::string& text);

/// Every file below a folder, by its path relative to it, with its bytes.
std::map<std::string, std::string> contents(const fs::path& folder);
/// Whether a folder's files are the same ones with the same bytes; says in the failure which differ.
std::vector<std::string> differences(const std::map<std::string, std::string>& a,
                                     const std::map<std::string, std::string>& b);

std::vector<std::string> lines(const std::string& text);

/// The folder of a data set in the default cache, empty when it is not there.
fs::path cached(const std::string& dataset);
data::TrainTest mnist();

}  // namespace saccade::e2e
