#include "saccade/cli/main_command.h"

#include <gmock/gmock.h>

#include <sstream>
#include <vector>

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome run_with(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "saccade");
  std::ostringstream out;
  std::ostringstream err;
  Console console{.out = out, .err = err};
  const int code = run(static_cast<int>(arguments.size()), arguments.data(), console);
  return {code, out.str(), err.str()};
}

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
  auto expect = [](std::vector<const char*> arguments, const ::testing::Matcher<std::string>& line) {
    const Outcome outcome = run_with(std::move(arguments));
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
