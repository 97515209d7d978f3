#include "saccade/cli/bench_command.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <vector>

#include "saccade/cli/network_benchmark.h"
#include "saccade/cli/testing_internal.h"

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Outcome bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  return run_with(arguments);
}

TEST(BenchCommand, ShowsItsHelpWithoutArguments) {
  const Outcome outcome = bench({});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("conv2d"), HasSubstr("lenet5"), HasSubstr("Examples:\n  saccade bench ")));
}

TEST(BenchCommand, WrongUsageGetsOneLine) {
  auto expect = [](std::vector<std::string> arguments, const ::testing::Matcher<std::string>& line) {
    const Outcome outcome = bench(std::move(arguments));
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, line);
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  };
  expect({"lenet"},
         AllOf(StartsWith("bench: expected one of "), HasSubstr("lenet5, mlp, vgg_small"), HasSubstr("got 'lenet'")));
  expect({"lenet5", "--case", "n1"}, StartsWith("bench: --case and --implementation: expected one operation"));
  expect({"conv2d", "--batch-size", "8"}, StartsWith("bench: --batch-size: expected networks only"));
  expect({"lenet5", "--batch-size", "0"}, HasSubstr("at least one image a batch, and one round of a finite time, got"));
  expect({"lenet5", "--rounds", "0"}, HasSubstr("0 rounds"));
  expect({"lenet5", "--round-seconds", "inf"}, HasSubstr("expected a finite number, got inf"));
  expect({"lenet5", "--threads", "0"}, HasSubstr("got 0"));
  expect({"dense", "--case", "nonsense"}, HasSubstr("nonsense"));
}

TEST(BenchCommand, TimesANetwork) {
  const Outcome text = bench({"lenet5", "--rounds", "1", "--round-seconds", "0", "--batch-size", "4"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(StartsWith("lenet5: 61706 parameters, batches of 4, "), HasSubstr("\ntraining "),
                              HasSubstr("\ninference "), HasSubstr("s/60,000 images")));

  const Outcome outcome = bench({"lenet5", "--rounds", "2", "--round-seconds", "0", "--batch-size", "4", "--json"});
  const auto json = nlohmann::json::parse(outcome.out)["benchmarks"][0];
  EXPECT_EQ(json["name"], "lenet5");
  EXPECT_EQ(json["parameters"], 61706);
  EXPECT_EQ(json["batch_size"], 4);
  for (const char* step : {"training", "inference"}) {
    const double seconds = json[step]["seconds"];
    EXPECT_GT(seconds, 0.0);
    EXPECT_LE(json[step]["best_seconds"], seconds);
    EXPECT_LE(seconds, json[step]["worst_seconds"]);
    EXPECT_NEAR(json[step]["images_per_second"].get<double>() * seconds, 4.0, 1e-9);
    EXPECT_NEAR(json[step]["epoch_seconds"].get<double>(), 15000.0 * seconds, 1e-6);
    EXPECT_NEAR(json[step]["share_of_peak"].get<double>() * json["fma_peak_gflops"].get<double>(),
                json[step]["gflops"].get<double>(), 1e-6);
  }
}

TEST(BenchCommand, TimesAndProvesACase) {
  const Outcome outcome = bench({"dense", "--case", "m2k3u4", "--rounds", "1", "--round-seconds", "0", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out)["benchmarks"][0];
  EXPECT_EQ(json["name"], "dense");
  EXPECT_EQ(json["proved"], true);
  EXPECT_FALSE(json["measurements"].empty());
  EXPECT_THAT(bench({"dense", "--case", "m2k3u4", "--rounds", "1", "--round-seconds", "0"}).out,
              AllOf(HasSubstr("FMA peak"), HasSubstr("backward_weights")));
}

TEST(NetworkBenchmark, CountsTheMultiplyAddsThatAPlanRuns) {
  Model net = benchmark_network("lenet5", 1);
  const double convolution_1 = 28 * 28 * 5 * 5 * 6;
  NetworkFlops flops = count_flops(net, 3);
  EXPECT_EQ(flops.inference, 2.0 * 3 * 416520);
  EXPECT_EQ(flops.training, 2.0 * 3 * (3 * 416520 - convolution_1));  // nobody wants the gradient of the images

  net.freeze("conv*");
  const double dense = 400 * 120 + 120 * 84 + 84 * 10;
  flops = count_flops(net, 1);
  EXPECT_EQ(flops.training, 2.0 * (416520 + 2 * dense - 400 * 120));
}

}  // namespace
}  // namespace saccade::cli
