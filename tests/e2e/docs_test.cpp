#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>
#include <sstream>

#include "keras_endings.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::SizeIs;

/// The insides of the ```LANGUAGE blocks of a page.
std::vector<std::string> blocks(const std::string& page, const std::string& language) {
  std::vector<std::string> found;
  bool inside = false, wanted = false;
  for (const std::string& line : lines(page)) {
    if (line.starts_with("```")) {
      wanted = !inside && line.substr(3) == language;
      if (wanted) found.emplace_back();
      inside = !inside;
    } else if (inside && wanted) {
      found.back() += line + "\n";
    }
  }
  return found;
}

/// The commands of a page, a line each; lines that end in a backslash go on. Comments and empty lines are none.
std::vector<std::string> commands(const std::string& page) {
  std::vector<std::string> all;
  for (const std::string& block : blocks(page, "sh")) {
    std::string command;
    for (const std::string& line : lines(block)) {
      command += line;
      if (command.ends_with('\\')) {
        command.back() = ' ';
        continue;
      }
      const std::size_t first = command.find_first_not_of(' ');
      if (first != std::string::npos && command[first] != '#') all.push_back(command.substr(first));
      command.clear();
    }
  }
  return all;
}

/// Pages with commands, as paths relative to the source tree.
std::vector<fs::path> pages() {
  std::vector<fs::path> all = {"README.md"};
  for (const char* folder : {"docs", "docs/layers"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(kSource / folder)) {
      if (entry.path().extension() == ".md") all.push_back(fs::relative(entry.path(), kSource));
    }
  }
  std::ranges::sort(all);
  return all;
}

std::string without_comment(const std::string& command) {
  const std::string text = command.substr(0, command.find(" #"));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

/// Whether it names one of Keras's files, which a build without HDF5 cannot read.
bool needs_hdf5(const std::string& command) {
  return command.find(".keras") != std::string::npos || command.find(".h5") != std::string::npos;
}

TEST(Docs, EveryCommandRuns) {
  // The demo trains for minutes, and the tests are this very run.
  const std::set<std::string> front = {"./saccade.sh demo", "./saccade.sh test"};
  std::set<std::string> left_out;
  int ran = 0;
  const std::string path = fs::path(SACCADE_COMMAND).parent_path().string() + ":" + std::getenv("PATH");
  for (const fs::path& page : pages()) {
    const Workplace place;
    fs::create_directory_symlink(kSource / "docs", place / "docs");  // for the pictures that commands name
    for (const std::string& command : commands(read(kSource / page))) {
      if (front.contains(without_comment(command))) {
        left_out.insert(without_comment(command));
        continue;
      }
      if (keras_endings().empty() && needs_hdf5(command)) {
        std::cout << fmt::format("left out without HDF5  {}: {}", page.string(), command) << std::endl;
        continue;
      }
      const Result result =
          run_program({"/bin/bash", "-euo", "pipefail", "-c", command}, {.cwd = place.path(), .env = {{"PATH", path}}});
      ++ran;
      std::cout << fmt::format("{:5.1f} s  {}: {}", result.seconds, page.string(), command) << std::endl;
      EXPECT_EQ(result.exit_code, 0) << page << ": " << command << "\n" << result.out << result.err;
    }
  }
  EXPECT_GT(ran, 3);
  EXPECT_EQ(left_out, front) << "README.md shows both, in a block of sh";
}

TEST(Docs, ProgramsOnPagesAreTheExamples) {
  const std::pair<const char*, const char*> all[] = {
      {"first_network", "first_network"}, {"add_a_layer", "add_a_layer"}, {"embed", "classify"}};
  for (const auto& [page, program] : all) {
    const std::vector<std::string> programs = blocks(read(kSource / fmt::format("docs/{}.md", page)), "cpp");
    ASSERT_THAT(programs, SizeIs(1)) << page;
    EXPECT_EQ(programs[0], read(kSource / fmt::format("examples/{}.cpp", program))) << page;
  }
}

/// Under "Examples:" in every --help stand commands that a reader will copy.
TEST(Docs, ExamplesInHelpNameOptionsThatExist) {
  const std::vector<std::vector<std::string>> all = {{},
                                                     {"train"},
                                                     {"evaluate"},
                                                     {"predict"},
                                                     {"explain"},
                                                     {"advise"},
                                                     {"summary"},
                                                     {"experiment"},
                                                     {"experiment", "translation"},
                                                     {"experiment", "augmentation"},
                                                     {"experiment", "transfer"},
                                                     {"augment"},
                                                     {"filter"},
                                                     {"bench"},
                                                     {"convert"},
                                                     {"data"},
                                                     {"data", "get"},
                                                     {"data", "list"},
                                                     {"data", "path"}};
  for (std::vector<std::string> args : all) {
    args.push_back("--help");
    const Result help = run(args);
    ASSERT_EQ(help.exit_code, 0) << describe(args, help);
    EXPECT_TRUE(help.err.empty());
    const std::size_t begin = help.out.find("Example");
    ASSERT_NE(begin, std::string::npos) << describe(args, help);
    int examples = 0;
    for (const std::string& line : lines(help.out.substr(begin))) {
      std::istringstream words(line.substr(0, line.find(" #")));
      std::string word;
      if (!(words >> word) || word != "saccade") continue;
      ++examples;
      std::vector<std::string> command;
      while (words >> word && word != "|") {
        // Values may name files that are not here; what must exist are the commands and options.
        if (command.size() < 2 && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos) {
          command.push_back(word);
        } else if (word.starts_with("--") && word != "--help") {
          std::vector<std::string> sub(command.begin(), command.begin() + (command[0] == "data" ? 2 : 1));
          if (command[0] == "experiment") sub = command;
          sub.push_back("--help");
          EXPECT_THAT(run(sub).out, ::testing::HasSubstr(word)) << line;
        }
      }
    }
    EXPECT_GT(examples + (help.out.find("$(saccade") != std::string::npos ? 1 : 0), 0) << help.out;
  }
}

}  // namespace
}  // namespace saccade::e2e
