#include "saccade/cli/data_command.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/fetch/known_sets.h"
#include "saccade/data/fetch/set_folder.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class DataCommand : public ::testing::Test {
 protected:
  DataCommand() {
    std::string name = (fs::temp_directory_path() / "saccade-data-command-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~DataCommand() override { fs::remove_all(folder_); }

  std::string run(std::vector<std::string> arguments) {
    Program program("saccade", "", "");
    out_.str("");
    err_.str("");
    add_data_command(program.root(), console_);
    arguments.insert(arguments.begin(), {"saccade", "data"});
    arguments.insert(arguments.end(), {"--cache", cache().string()});
    std::vector<const char*> words;
    for (const std::string& argument : arguments) words.push_back(argument.c_str());
    program.run(static_cast<int>(words.size()), words.data(), out_, err_);
    return out_.str();
  }

  fs::path cache() const { return folder_ / "cache"; }

  /// Files of the right sizes, recorded as verified: as good as a set, and made in no time.
  void make_present(std::string_view name) const {
    const data::KnownSet& set = data::known_set(name);
    fs::create_directories(cache() / name);
    for (const data::CanonicalFile& file : set.files) {
      write_file(cache() / name / file.name, "");
      fs::resize_file(cache() / name / file.name, static_cast<std::uintmax_t>(file.size_bytes));
    }
    data::SetFolder(set, cache()).record();
  }

  fs::path folder_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{.out = out_, .err = err_};
};

TEST_F(DataCommand, GetSaysWhereASetIs) {
  make_present("mnist");
  make_present("cifar10");
  EXPECT_EQ(run({"get", "mnist", "cifar10"}), "mnist: 55.0 MB in " + (cache() / "mnist").string() + "\n" +
                                                  "cifar10: 184.4 MB in " + (cache() / "cifar10").string() + "\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(DataCommand, GetListsWhatItTried) {
  fs::create_directories(folder_ / "local");
  EXPECT_THAT(
      [&] {
        run({"get", "mnist", "--offline", "--from", (folder_ / "local").string()});
      },
      ThrowsMessage<SystemError>(
          AllOf(HasSubstr("data set 'mnist': "), HasSubstr("local: it does not have train-images-idx3-ubyte, "),
                HasSubstr("not asked (offline)"), HasSubstr("saccade data get mnist --from FOLDER"))));
  EXPECT_THAT(err_.str(), HasSubstr("mnist: folder " + (folder_ / "local").string() + ": it does not have"));
}

TEST_F(DataCommand, GetShowsTheProgressOfEachFile) {
  // A file of the right size and the wrong content.
  const data::CanonicalFile& file = data::known_set("mnist").files[1];
  fs::create_directories(folder_ / "local");
  write_file(folder_ / "local" / file.name, std::string(usize(file.size_bytes), 'x'));
  EXPECT_THAT(
      [&] {
        run({"get", "mnist", "--offline", "--from", (folder_ / "local").string()});
      },
      ThrowsMessage<SystemError>(HasSubstr("train-labels-idx1-ubyte has SHA-256 ")));
  EXPECT_THAT(err_.str(), HasSubstr("mnist: train-labels-idx1-ubyte  100 %  60.0 kB"));
}

TEST_F(DataCommand, GetKnowsAllNamesBeforeItStarts) {
  make_present("mnist");
  EXPECT_THAT([&] { run({"get", "mnist", "mnsit"}); }, ThrowsMessage<ValueError>(HasSubstr("got 'mnsit'")));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(DataCommand, ListShowsWhatIsThere) {
  make_present("mnist");
  const std::string text = run({"list"});
  EXPECT_THAT(text,
              ::testing::ContainsRegex("mnist +handwritten digits.* 55\\.0 MB  yes +" + cache().string() + "/mnist\n"));
  EXPECT_THAT(text,
              ::testing::ContainsRegex("cifar10 +photographs.* 184\\.4 MB  no +" + cache().string() + "/cifar10\n"));
  const auto json = nlohmann::json::parse(run({"list", "--json"}));
  ASSERT_EQ(json.size(), 3U);
  EXPECT_EQ(json[0]["name"], "mnist");
  EXPECT_EQ(json[0]["present"], true);
  EXPECT_EQ(json[0]["size_bytes"], 54950048);
  EXPECT_EQ(json[0]["folder"], (cache() / "mnist").string());
  EXPECT_EQ(json[2]["present"], false);
}

TEST_F(DataCommand, PathPrintsOnlyTheFolder) {
  make_present("mnist");
  EXPECT_EQ(run({"path", "mnist"}), (cache() / "mnist").string() + "\n");
  EXPECT_THAT(
      [&] {
        run({"path", "cifar10"});
      },
      ThrowsMessage<ValueError>("data set 'cifar10': expected its files in " + (cache() / "cifar10").string() +
                                ", got an incomplete set or none; run: saccade data get cifar10"));
}

}  // namespace
}  // namespace saccade::cli
