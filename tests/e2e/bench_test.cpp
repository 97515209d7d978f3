#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "workplace.h"

namespace saccade::e2e {
namespace {

TEST(Bench, TheFilesOfShapesRun) {
  int files = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(fs::path(SACCADE_SOURCE) / "bench/shapes")) {
    ++files;
    const std::vector<std::string> args = {"bench",    "--shapes", file.path().string(), "--threads", "1",
                                           "--rounds", "1",        "--round-seconds",    "0",         "--json"};
    const Result result = run(args);
    ASSERT_EQ(result.exit_code, 0) << describe(args, result);
    std::size_t measured = 0;
    const auto all = nlohmann::json::parse(result.out);
    for (const auto& operation : all["benchmarks"]) {
      measured += operation["measurements"].size();
    }
    EXPECT_GE(measured, 9U) << file.path();
  }
  EXPECT_EQ(files, 6);
}

/// Not every machine has it: Debian's python3-torch brings 300 MB.
TEST(Bench, PyTorchIsTimedInTurns) {
  const Result result = run({"bench", "lenet5", "resnet20", "--compare", "pytorch", "--threads", "1", "--rounds", "1",
                             "--round-seconds", "0", "--batch-size", "2", "--json"});
  if (result.err.find("expected PyTorch, got none") != std::string::npos) GTEST_SKIP() << result.err;
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto all = nlohmann::json::parse(result.out);
  ASSERT_EQ(all["benchmarks"].size(), 2U);
  for (const auto& network : all["benchmarks"]) {
    EXPECT_LT(network["output_difference"], 1e-4);
    for (const char* step : {"training", "inference"}) EXPECT_GT(network[step]["ratio"], 0.0);
  }
}

}  // namespace
}  // namespace saccade::e2e
