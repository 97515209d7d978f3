#include "saccade/cli/network_benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/network_steps.h"
#include "saccade/proof/fma_peak.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

constexpr Index kClasses = 10;
constexpr double kEpochImages = 60000.0;

}  // namespace

Index usual_batch(const Shape& image) {
  constexpr Index kSmall = 1024, kMedium = 64 * 64 * 3;
  return image.elements() <= kSmall ? 128 : image.elements() <= kMedium ? 64 : 16;
}

Model benchmark_network(const std::string& name, std::uint64_t seed) {
  if (is_network_path(name)) return load_network(name);
  return zoo::build(name, zoo::find_entry(name).image, kClasses, seed);
}

void check(const NetworkBenchmarkOptions& o) {
  const Index batch = o.batch_size.value_or(1);
  if (batch >= 1 && o.rounds >= 1 && o.round_seconds >= 0.0 && std::isfinite(o.round_seconds)) return;
  throw ValueError({.where = fmt::format("bench {}", o.network),
                    .expected = "at least one image a batch, and one round of a finite time",
                    .got = fmt::format("{} images, {} rounds of {} s", batch, o.rounds, o.round_seconds),
                    .fix = ""});
}

NetworkMeasurement summarize(std::string_view step, std::vector<double> seconds, double flops,
                             const NetworkReport& report) {
  std::ranges::sort(seconds);
  const double median = seconds[seconds.size() / 2];
  const double images_per_second = static_cast<double>(report.batch_size) / median;
  const double gflops = flops / median / 1e9;
  return {.step = step,
          .seconds = median,
          .best_seconds = seconds.front(),
          .worst_seconds = seconds.back(),
          .images_per_second = images_per_second,
          .epoch_seconds = kEpochImages / images_per_second,
          .gflops = gflops,
          .share_of_peak = gflops / report.fma_peak};
}

NetworkFlops count_flops(const Model& net, Index batch) {
  const std::span<const Model::GraphNode> nodes = net.nodes();
  std::vector<bool> wants_grad(nodes.size(), false);  // a parameter that learns stands here or below
  Index forward = 0;
  Index backward = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::vector<Shape> src;
    bool grad_src = false;
    for (const std::size_t input : nodes[i].inputs) {
      src.push_back(nodes[input].shape);
      grad_src = grad_src || wants_grad[input];
    }
    const bool learns =
        std::ranges::any_of(nodes[i].parameters, [&net](std::size_t p) { return net.parameters()[p].learns(); });
    wants_grad[i] = grad_src || learns;
    const Index multiply_adds = nodes[i].layer->multiply_adds(src);
    forward += multiply_adds;
    backward += (learns ? multiply_adds : 0) + (grad_src ? multiply_adds : 0);
  }
  const double two_a_multiply_add = 2.0 * static_cast<double>(batch);
  return {.inference = two_a_multiply_add * static_cast<double>(forward),
          .training = two_a_multiply_add * static_cast<double>(forward + backward)};
}

NetworkReport run_network_benchmark(const NetworkBenchmarkOptions& options) {
  check(options);
  Model net = benchmark_network(options.network, options.seed);
  NetworkReport report{.network = options.network,
                       .parameters = net.parameter_count(),
                       .batch_size = options.batch_size.value_or(usual_batch(net.input_shape())),
                       .threads = thread_count(),
                       .fma_peak = proof::measure_fma_peak()};
  NetworkSteps steps(net, report.batch_size, options.seed);
  for (int warm_up = 0; warm_up < 2; ++warm_up) {  // touches all memory
    steps.train();
    steps.infer();
  }
  std::vector<double> training;
  std::vector<double> inference;
  for (int round = 0; round < options.rounds; ++round) {
    training.push_back(time_step(options.round_seconds, [&steps] { steps.train(); }));
    inference.push_back(time_step(options.round_seconds, [&steps] { steps.infer(); }));
  }
  const NetworkFlops flops = count_flops(net, report.batch_size);
  report.training = summarize("training", training, flops.training, report);
  report.inference = summarize("inference", inference, flops.inference, report);
  return report;
}

}  // namespace saccade::cli
