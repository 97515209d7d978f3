#include "saccade/data/fetch/process.h"

#include <gmock/gmock.h>

#include <chrono>
#include <stdexcept>

#include "saccade/data/fetch/source_failure.h"

namespace saccade::data {
namespace {

using ::testing::ThrowsMessage;

const std::function<void()> kNothing = [] {};

TEST(Process, CapturesOutputAndExitCode) {
  const ProcessResult result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"}, kNothing);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, "out\nerr\n");
}

TEST(Process, PassesArgumentsWithoutAShell) {
  EXPECT_EQ(run_process({"echo", "a b", "$HOME;ls", "*"}, kNothing).output, "a b $HOME;ls *\n");
}

TEST(Process, HasNoInput) { EXPECT_EQ(run_process({"cat"}, kNothing).output, ""); }

TEST(Process, KeepsTheEndOfALongOutput) {
  const ProcessResult result = run_process({"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo end"}, kNothing);
  EXPECT_EQ(result.output.size(), 65536U);
  EXPECT_TRUE(result.output.ends_with("xend\n"));
}

TEST(Process, SaysWhichSignalEndedIt) {
  EXPECT_EQ(run_process({"sh", "-c", "kill -9 $$"}, kNothing).exit_code, 128 + 9);
}

TEST(Process, SaysThatAProgramIsNotInstalled) {
  EXPECT_THAT([] { run_process({"no-such-program"}, kNothing); },
              ThrowsMessage<SourceFailure>("cannot run no-such-program (it is not installed)"));
}

TEST(Process, StopsTheProgramWhenTheTickThrows) {
  const auto start = std::chrono::steady_clock::now();
  int ticks = 0;
  EXPECT_THROW(run_process({"sleep", "60"},
                           [&] {
                             if (++ticks == 2) throw std::runtime_error("enough");
                           }),
               std::runtime_error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace saccade::data
