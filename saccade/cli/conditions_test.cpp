#include "saccade/cli/conditions.h"

#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "saccade/base/parallel.h"
#include "saccade/cli/busy_processes.h"
#include "saccade/cli/testing_internal.h"

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A process' state, and the ticks that it has computed for.
std::pair<std::string, long> state_of(pid_t id) {
  std::ifstream file("/proc/" + std::to_string(id) + "/stat");
  std::string word, state;
  file >> word >> word >> state;  // its number, its name
  for (int skipped = 0; skipped < 10; ++skipped) file >> word;
  long ticks = 0;
  file >> ticks;
  return {state, ticks};
}

TEST(BusyProcesses, AreBusyBetweenGoOnAndPause) {
  pid_t id = 0;
  {
    const BusyProcesses processes(1);
    id = processes.ids().at(0);
    EXPECT_EQ(state_of(id).first, "T");
    const long before = state_of(id).second;
    processes.go_on();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (state_of(id).second < before + 5 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_GE(state_of(id).second, before + 5);
    processes.pause();
    while (state_of(id).first != "T" && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(state_of(id).first, "T");
  }
  EXPECT_EQ(state_of(id).first, "");
}

TEST(Conditions, ScalingComparesOneThreadWithAll) {
  const Outcome outcome = run_with({"bench", "lenet5", "--batch-size", "4", "--rounds", "3", "--round-seconds", "0.001",
                                    "--threads", "2", "--scaling"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("2 threads"), HasSubstr("training, on 1 thread"),
                                 HasSubstr("inference, on 1 thread"), HasSubstr("3 pairs of rounds")));
  EXPECT_EQ(thread_count(), 2);
}

TEST(Conditions, BesideCountsTheBusyProcesses) {
  const Outcome outcome = run_with(
      {"bench", "lenet5", "--batch-size", "4", "--rounds", "2", "--round-seconds", "0.001", "--beside", "2", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\"beside 2 busy processes\""), HasSubstr("\"ratios\"")));
}

TEST(Conditions, WhatCannotBeMeasuredIsRefused) {
  const auto refused = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = run_with(arguments);
    EXPECT_EQ(outcome.code, 2);
    return outcome.err;
  };
  EXPECT_EQ(
      refused({"bench", "lenet5", "--threads", "1", "--scaling"}),
      "bench lenet5: --scaling: expected two threads or more to compare one with, got 1; give --threads, on a machine "
      "with as many cores\n");
  EXPECT_THAT(refused({"bench", "lenet5", "--beside", "0"}), HasSubstr("expected one process or more, got 0"));
  EXPECT_THAT(refused({"bench", "lenet5", "--beside", "1", "--scaling"}), HasSubstr("one of --compare, --roofline"));
  EXPECT_THAT(refused({"bench", "conv2d", "--scaling"}), HasSubstr("expected networks only, got conv2d"));
}

}  // namespace
}  // namespace saccade::cli
