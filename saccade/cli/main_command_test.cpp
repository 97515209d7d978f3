#include "saccade/cli/main_command.h"

#include <gmock/gmock.h>

#include <regex>
#include <sstream>
#include <vector>

#include "saccade/cli/testing_internal.h"
#include "saccade/data/fetch/known_sets.h"

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(MainCommand, PrintsItsVersion) {
  const Outcome outcome = run_with({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, ::testing::MatchesRegex("saccade [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(MainCommand, PrintsHelp) {
  for (const Outcome& outcome : {run_with({}), run_with({"--help"}), run_with({"-h"})}) {
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out,
                AllOf(HasSubstr("Usage: saccade [OPTIONS] [SUBCOMMAND]"), HasSubstr("Examples:\n  saccade ")));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(MainCommand, PrintsTheHelpOfACommand) {
  EXPECT_THAT(run_with({"data", "get", "--help"}).out, HasSubstr("Usage: saccade data get [OPTIONS] NAME..."));
  const Outcome group = run_with({"data"});
  EXPECT_EQ(group.code, 0);
  EXPECT_THAT(group.out, HasSubstr("Usage: saccade data [OPTIONS] [SUBCOMMAND]"));
}

TEST(MainCommand, WrongUsageGetsOneLine) {
  auto expect = [](const std::vector<std::string>& arguments, const ::testing::Matcher<std::string>& line) {
    const Outcome outcome = run_with(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, line);
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  };
  expect({"trian"}, AllOf(StartsWith("saccade: expected one of "), HasSubstr("got 'trian'; see saccade --help")));
  expect({"data", "fetch"},
         AllOf("saccade data: expected one of get, list, path, got 'fetch'; see saccade data --help\n"));
  expect({"data", "get"}, AllOf("saccade data get: NAME is required; see saccade data get --help\n"));
  expect({"data", "list", "--jsn"},
         HasSubstr("saccade data list: The following argument was not expected: --jsn; see"));
  expect({"--verison"}, HasSubstr("--verison"));
}

/// What the help of `saccade train` says about one option.
std::string help_of(const std::string& option) {
  const std::string help = run_with({"train", "--help"}).out;
  const std::size_t begin = help.find("\n  " + option + " ");
  return begin == std::string::npos ? "" : help.substr(begin, help.find("\n  --", begin + 1) - begin);
}

/// Whatever names a wrong one is told to be one of, the help lists.
TEST(MainCommand, HelpListsEveryNameThatAnOptionTakes) {
  for (const char* option :
       {"--optimizer", "--schedule", "--split-mode", "--color-mode", "--fill-mode", "--compat", "--model"}) {
    const std::string error = run_with({"train", "x.csv", option, "nosuch"}).err;
    std::smatch match;
    ASSERT_TRUE(std::regex_search(error, match, std::regex("expected (?:one of )?(.*?),? got"))) << error;
    std::string names = std::regex_replace(match[1].str(), std::regex(" or |, or "), ", ");
    int count = 0;
    for (std::size_t end = 0; end != std::string::npos; names = names.substr(end == std::string::npos ? 0 : end + 2)) {
      end = names.find(", ");
      EXPECT_THAT(help_of(option), HasSubstr(names.substr(0, end))) << option;
      ++count;
    }
    EXPECT_GE(count, 3) << error;
  }
  for (const data::KnownSet& set : data::known_sets()) {
    EXPECT_THAT(run_with({"train", "--help"}).out, HasSubstr(std::string(set.name)));
  }
}

TEST(MainCommand, NoOptionTakesAnEmptyText) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"train", ""},
                                             {"train", "mnist", "--model", ""},
                                             {"train", "--resume", ""},
                                             {"evaluate", "", "mnist"},
                                             {"predict", "net.safetensors", ""},
                                             {"summary", ""},
                                             {"data", "get", ""},
                                             {"augment", ""},
                                             {"filter", ""}}) {
    const Outcome outcome = run_with(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr(": expected something, got ''; see saccade " + arguments[0]));
  }
}

TEST(MainCommand, NumbersThatDoNotFitAreRefused) {
  const std::string huge = "99999999999999999999";
  struct Case {
    std::vector<std::string> command;
    std::string option, range;
  };
  const std::string any = "a whole number from -9223372036854775808 to 9223372036854775807";
  const std::string small = "a whole number from -2147483648 to 2147483647";
  for (const Case& c : std::vector<Case>{{{"train", "mnist"}, "--seed", any},
                                         {{"train", "mnist"}, "--epochs", any},
                                         {{"train", "mnist"}, "--workers", small},
                                         {{"evaluate", "x", "mnist"}, "--batch-size", "from 1 to 9223372036854775807"},
                                         {{"predict", "x", "y"}, "--top", "from 1 to 9223372036854775807"},
                                         {{"summary", "lenet5"}, "--classes", any},
                                         {{"experiment", "translation"}, "--seed", "from 0 to 18446744073709551615"},
                                         {{"experiment", "augmentation"}, "--limit", "from 0 to 9223372036854775807"},
                                         {{"bench", "lenet5"}, "--rounds", small},
                                         {{"bench", "lenet5"}, "--batch-size", any}}) {
    std::vector<std::string> arguments = c.command;
    arguments.insert(arguments.end(), {c.option, huge});
    const Outcome outcome = run_with(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr(c.option + ": expected "), HasSubstr(c.range + ", got " + huge + "; see")));
  }
  EXPECT_THAT(run_with({"train", "mnist", "--learning-rate", "1e999"}).err,
              HasSubstr("--learning-rate: expected a finite number, got 1e999"));
  EXPECT_THAT(run_with({"train", "mnist", "--seed", "0x10"}).err, HasSubstr("expected a whole number, got '0x10'"));
  EXPECT_THAT(run_with({"train", "mnist", "--seed", "1.5"}).err, HasSubstr("expected a whole number, got '1.5'"));
}

TEST(MainCommand, BadInputGetsTheErrorsOwnLine) {
  const Outcome outcome = run_with({"data", "get", "mnsit"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "data set: expected one of mnist, fashion-mnist, cifar10, got 'mnsit'; check the spelling\n");
}

TEST(MainCommand, SaysThatItsOutputWasLost) {
  const char* const arguments[] = {"saccade", "data", "list", "--cache", "/nowhere"};
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  Console console{.out = out, .err = err};
  EXPECT_EQ(run(5, arguments, console), 2);
  EXPECT_THAT(err.str(), StartsWith("standard output: expected to write the result to it, got a failure"));
}

}  // namespace
}  // namespace saccade::cli
