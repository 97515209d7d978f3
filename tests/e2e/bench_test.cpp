#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "workplace.h"

namespace saccade::e2e {
namespace {

/// Not every machine has it: Debian's python3-torch brings 300 MB.
TEST(Bench, PyTorchIsTimedInTurns) {
  const Result result = run({"bench", "lenet5", "mobilenet_v2", "--compare", "pytorch", "--rounds", "1",
                             "--round-seconds", "0", "--batch-size", "2", "--json"});
  if (result.err.find("expected PyTorch, got none") != std::string::npos) GTEST_SKIP() << result.err;
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const auto& network : nlohmann::json::parse(result.out)["benchmarks"]) {
    EXPECT_LT(network["output_difference"], 1e-4);
    for (const char* step : {"training", "inference"}) EXPECT_GT(network[step]["ratio"], 0.0);
  }
}

}  // namespace
}  // namespace saccade::e2e
