#include "saccade/cli/roofline.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "saccade/base/file.h"
#include "saccade/cli/testing_internal.h"
#include "tests/support/scratch_folder.h"

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

RooflineReport report_of(const std::string& network, Index batch) {
  return measure_roofline({.network = network, .batch_size = batch, .rounds = 1});
}

const RooflinePoint& point_of(const RooflineReport& report, const std::string& layer, bool backward) {
  const auto is_it = [&](const RooflinePoint& p) { return p.layer == layer && p.backward == backward; };
  return *std::ranges::find_if(report.points, is_it);
}

TEST(Roofline, CountsWhatEachOperationComputesAndMoves) {
  const RooflineReport report = report_of("lenet5", 2);
  double flops = 0.0;
  for (const RooflinePoint& point : report.points) {
    flops += point.flops;
    EXPECT_GT(point.seconds, 0.0) << point.layer;
    EXPECT_GT(point.bytes, 0.0) << point.layer;
  }
  EXPECT_EQ(flops, count_flops(benchmark_network("lenet5", 1), 2).training);

  const RooflinePoint& dense = point_of(report, "dense", false);
  EXPECT_EQ(dense.flops, 2.0 * 2 * 400 * 120);
  EXPECT_EQ(dense.bytes, 4.0 * (2 * 400 + 400 * 120 + 120 + 2 * 120));
  const RooflinePoint& dense_backward = point_of(report, "dense", true);
  EXPECT_EQ(dense_backward.flops, 2.0 * dense.flops);
  // Its ReLU reads the result again.
  EXPECT_EQ(dense_backward.bytes, 4.0 * (2 * 2 * 120 + 2 * (2 * 400 + 400 * 120 + 120)));
  // The pooling is part of it: what it writes is the pooled image. There is no gradient of the images.
  const RooflinePoint& convolution = point_of(report, "conv2d", false);
  EXPECT_EQ(convolution.bytes, 4.0 * (2 * 28 * 28 + 5 * 5 * 6 + 6 + 2 * 14 * 14 * 6));
  EXPECT_EQ(point_of(report, "conv2d", true).flops, convolution.flops);
  EXPECT_EQ(std::ranges::count(report.points, "max_pool2d", &RooflinePoint::layer), 0);
}

TEST(Roofline, DrawsEachOperationWithMultiplyAdds) {
  RooflineReport report{.network = "a<b", .batch_size = 2, .threads = 1, .fma_peak = 100.0, .bandwidth = 10.0};
  report.points = {
      {.layer = "one & two", .implementation = "winograd", .seconds = 3e-3, .flops = 6e8, .bytes = 1e6},
      {.layer = "one & two", .backward = true, .implementation = "onednn", .seconds = 1e-3, .flops = 1e6, .bytes = 1e6},
      {.layer = "norm", .implementation = "simd", .seconds = 1e-3, .bytes = 1e6}};
  const std::string svg = draw_roofline(report);
  EXPECT_THAT(
      svg, AllOf(StartsWith("<svg xmlns="), HasSubstr("a&lt;b: a training step of 2 images, 1 thread, 5 ms"),
                 HasSubstr("fused multiply-adds: 100 GFLOP/s"), HasSubstr("memory: 10.0 GB/s"),
                 HasSubstr("<title>one &amp; two forward, winograd: 3 ms, 60.0 % of the step, 200 GFLOP/s, 6e+02"),
                 HasSubstr("<title>one &amp; two backward, onednn: 1 ms"), HasSubstr("activations, 20 % of the time"),
                 HasSubstr("may lie above the roof")));
  EXPECT_EQ(svg.find("<title>norm"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(Roofline, IsWrittenByTheCommand) {
  const test::ScratchFolder folder;
  const std::string file = (folder / "lenet5.svg").string();
  const std::vector<std::string> arguments = {"bench",    "lenet5", "--batch-size", "2",
                                              "--rounds", "1",      "--roofline",   file};
  const Outcome text = run_with(arguments);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(StartsWith("lenet5: batches of 2, "), HasSubstr("\ndense_2 "), HasSubstr(" backward ")));
  EXPECT_THAT(read_text_file(file), StartsWith("<svg "));
  std::vector<std::string> with_json = arguments;
  with_json.push_back("--json");
  const auto json = nlohmann::json::parse(run_with(with_json).out)["benchmarks"][0];
  EXPECT_GT(json["memory_gigabytes_per_second"], 0.0);
  EXPECT_EQ(json["operations"].size(), 10U);
  EXPECT_EQ(json["operations"][0]["layer"], "conv2d");
  for (const char* key : {"pass", "implementation", "seconds", "gflops", "bytes", "flops_per_byte"}) {
    EXPECT_TRUE(json["operations"][0].contains(key)) << key;
  }
}

TEST(Roofline, WrongUsageGetsOneLine) {
  EXPECT_EQ(run_with({"bench", "lenet5", "--roofline", "x.png"}).err,
            "bench: --roofline: expected a file name that ends in .svg, got 'x.png'\n");
  EXPECT_THAT(run_with({"bench", "lenet5", "mlp", "--roofline", "x.svg"}).err,
              StartsWith("bench: --roofline: expected one network, alone, got lenet5 mlp"));
}

}  // namespace
}  // namespace saccade::cli
