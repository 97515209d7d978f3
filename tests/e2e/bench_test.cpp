#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "workplace.h"

namespace saccade::e2e {
namespace {

TEST(Bench, TheFilesOfShapesHoldCases) {
  int files = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(fs::path(SACCADE_SOURCE) / "bench/shapes")) {
    ++files;
    // A file is read before the rest of the command line is looked at.
    EXPECT_THAT(run({"bench", "nosuch", "--shapes", file.path().string()}).err,
                ::testing::AllOf(::testing::StartsWith("bench: expected one of "), ::testing::HasSubstr("'nosuch'")));
  }
  EXPECT_EQ(files, 6);
  const std::string lenet5 = (fs::path(SACCADE_SOURCE) / "bench/shapes/lenet5.txt").string();
  const Result result =
      run({"bench", "--shapes", lenet5, "--threads", "1", "--rounds", "1", "--round-seconds", "0", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto all = nlohmann::json::parse(result.out)["benchmarks"].get<std::vector<nlohmann::json>>();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0]["name"], "conv_pool2d");
  EXPECT_EQ(all[1]["name"], "dense");
  EXPECT_GE(all[1]["measurements"].size(), 9U);
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
