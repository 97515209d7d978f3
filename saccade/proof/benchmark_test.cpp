#include "saccade/proof/benchmark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "saccade/base/error.h"
#include "saccade/proof/fma_peak.h"

namespace saccade::proof {
namespace {

using testing::HasSubstr;

struct Recorder final : BenchmarkSink {
  void begin(double fma_peak, int) override { peak = fma_peak; }
  void proved(const Report& report) override { reports.push_back(report); }
  void measured(const Measurement& measurement) override { measurements.push_back(measurement); }
  void declined(const Declined& declined) override { reasons.push_back(declined.reason); }

  double peak = 0.0;
  std::vector<Report> reports;
  std::vector<Measurement> measurements;
  std::vector<std::string> reasons;
};

BenchmarkOptions quick(std::string operation, std::string case_id) {
  return {.operation = std::move(operation), .case_id = std::move(case_id), .rounds = 3, .round_seconds = 0.0};
}

std::string error_of(const BenchmarkOptions& options) {
  Recorder recorder;
  try {
    run_operation_benchmark(options, recorder);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Benchmark, ProvesAndTimesEveryPassOfACase) {
  Recorder recorder;
  EXPECT_TRUE(run_operation_benchmark(quick("dense", "m8k40u30"), recorder));
  ASSERT_EQ(recorder.reports.size(), 1);
  EXPECT_EQ(recorder.reports[0].proved, 6);
  ASSERT_EQ(recorder.measurements.size(), 6);  // three passes of oneDNN and the reference
  const Measurement& first = recorder.measurements[0];
  EXPECT_EQ(first.operation, "dense");
  EXPECT_EQ(first.shape, "m8k40u30");
  EXPECT_EQ(first.case_id, "m8k40u30");
  EXPECT_EQ(first.pass, Pass::forward);
  EXPECT_EQ(first.implementation, "onednn");
  EXPECT_GT(first.best_seconds, 0.0);
  EXPECT_GE(first.seconds, first.best_seconds);
  EXPECT_DOUBLE_EQ(first.gflops, 2.0 * 8 * 40 * 30 / first.seconds / 1e9);
  EXPECT_DOUBLE_EQ(first.share_of_peak, first.gflops / recorder.peak);
  EXPECT_DOUBLE_EQ(first.gigabytes, 4.0 * (8 * 40 + 40 * 30 + 8 * 30) / first.seconds / 1e9);
  EXPECT_EQ(recorder.measurements[5].pass, Pass::backward_weights);
  EXPECT_EQ(recorder.measurements[5].implementation, "reference");
}

TEST(Benchmark, LeavesOutWhatIsNotAskedFor) {
  Recorder recorder;
  BenchmarkOptions options = quick("dense", "m8k40u30");
  options.implementation = "reference";
  EXPECT_TRUE(run_operation_benchmark(options, recorder));
  ASSERT_EQ(recorder.measurements.size(), 3);
  EXPECT_EQ(recorder.measurements[0].implementation, "reference");
}

TEST(Benchmark, TellsWhoDeclined) {
  Recorder recorder;
  run_operation_benchmark(quick("pool2d", "n1ih20iw20c1kh20kw20_max"), recorder);
  EXPECT_THAT(recorder.reasons, testing::Each("the window has more than 256 pixels"));
  EXPECT_EQ(recorder.reasons.size(), 2);
}

TEST(Benchmark, RefusesWhatDoesNotExist) {
  EXPECT_THAT(error_of(quick("conv3d", "")), HasSubstr("got 'conv3d'"));
  EXPECT_THAT(error_of(quick("dense", "m8k")), HasSubstr("dense case 'm8k'"));
  BenchmarkOptions options = quick("dense", "m8");
  options.implementation = "cublas";
  EXPECT_EQ(error_of(options), "bench dense: expected one of blocks, onednn, reference, got 'cublas'");
  options = quick("dense", "m8");
  options.rounds = 0;
  EXPECT_EQ(error_of(options), "bench: expected at least one round of a finite time, got 0 rounds of 0 s");
}

TEST(FmaPeak, IsPlausible) {
  // From an old core to a large server.
  const double peak = measure_fma_peak();
  EXPECT_GT(peak, 1.0);
  EXPECT_LT(peak, 1e5);
}

}  // namespace
}  // namespace saccade::proof
