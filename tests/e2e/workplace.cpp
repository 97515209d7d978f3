#include "workplace.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace saccade::e2e {

Workplace::Workplace() {
  std::string name = (fs::temp_directory_path() / "saccade-e2e-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

Workplace::~Workplace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Result Workplace::run(const std::vector<std::string>& args, RunOptions options) const {
  if (options.cwd.empty()) options.cwd = path_;
  return e2e::run(args, options);
}

Result Workplace::expect(int exit_code, const std::vector<std::string>& args, RunOptions options) const {
  Result result = run(args, std::move(options));
  EXPECT_EQ(result.exit_code, exit_code) << describe(args, result);
  return result;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    files[name] = entry.is_regular_file() ? read(entry.path()) : "(a folder)";
  }
  return files;
}

std::vector<std::string> differences(const std::map<std::string, std::string>& a,
                                     const std::map<std::string, std::string>& b) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : a) {
    const auto found = b.find(name);
    if (found == b.end()) {
      names.push_back(name + " is gone");
    } else if (found->second != bytes) {
      names.push_back(name + " has changed");
    }
  }
  for (const auto& [name, bytes] : b) {
    if (!a.contains(name)) names.push_back(name + " is new");
  }
  return names;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

fs::path cached(const std::string& dataset) {
  const Result result = run({"data", "path", dataset});
  return result.exit_code == 0 ? fs::path(result.out.substr(0, result.out.find('\n'))) : fs::path();
}

data::TrainTest mnist() { return data::mnist(cached("mnist")); }

}  // namespace saccade::e2e
