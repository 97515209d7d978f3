#include "saccade/cli/network_benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/nn/loss.h"
#include "saccade/nn/plan.h"
#include "saccade/optim/adam.h"
#include "saccade/proof/fma_peak.h"
#include "saccade/train/metrics.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

constexpr Index kClasses = 10;
constexpr double kEpochImages = 60000.0;
/// Batches of images and of labels. They have no common divisor, so that an image keeps getting other labels: a network
/// that knows its images by heart has vanishing gradients, and arithmetic on the smallest floats is slow.
constexpr Index kImageBatches = 8;
constexpr Index kLabelBatches = 61;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Images and labels in memory, as a data set that was loaded before.
class SyntheticBatches {
 public:
  SyntheticBatches(const Shape& image, Index batch, std::uint64_t seed)
      : image_elements_(usize(batch * image.elements())),
        batch_(usize(batch)),
        images_(Shape{kImageBatches * batch, image.elements()}),
        labels_(usize(kLabelBatches * batch)) {
    Stream pixels(seed, 0, 0, slot_of("bench.images"));
    for (float& pixel : images_.floats()) pixel = pixels.uniform();
    Stream classes(seed, 0, 0, slot_of("bench.labels"));
    for (std::int32_t& label : labels_) label = static_cast<std::int32_t>(classes.below(kClasses));
  }

  std::span<const float> images(std::size_t step) const {
    const std::span<const float> all = images_.floats();
    return all.subspan(step % usize(kImageBatches) * image_elements_, image_elements_);
  }
  std::span<const std::int32_t> labels(std::size_t step) const {
    return std::span(labels_).subspan(step % usize(kLabelBatches) * batch_, batch_);
  }

 private:
  std::size_t image_elements_, batch_;
  Tensor images_;
  std::vector<std::int32_t> labels_;
};

/// A network, its plans and what else a step needs.
class Steps {
 public:
  Steps(Model& net, const NetworkBenchmarkOptions& options)
      : options_(options),
        net_(net),
        training_(net, options.batch_size, PlanMode::training),
        inference_(net, options.batch_size, PlanMode::constant),
        loss_(SoftmaxCrossEntropy{}, options.batch_size, kClasses),
        batches_(net.input_shape(), options.batch_size, options.seed) {
    for (Parameter& parameter : net.parameters()) parameters_.push_back(&parameter);
    adam_.bind(parameters_);
  }

  /// What fit() does with a batch.
  void train() {
    const std::span<const std::int32_t> labels = batches_.labels(step_);
    const std::span<const float> output =
        training_.forward(batches_.images(step_), {.seed = options_.seed, .step = static_cast<std::uint32_t>(step_)});
    for (std::size_t row = 0; row < labels.size(); ++row) {
      correct_ += argmax(output.subspan(row * usize(kClasses), usize(kClasses))) == labels[row] ? 1 : 0;
    }
    require_finite(loss_.run(output, {.labels = labels}, training_.output_grad()));
    training_.backward();
    add_l2(parameters_);
    adam_.step();
    ++step_;
  }

  void infer() {
    inference_.forward(batches_.images(step_));
    ++step_;
  }

 private:
  void require_finite(double loss) const {
    if (std::isfinite(loss)) return;
    throw ValueError({.where = fmt::format("bench {}: loss of step {}", net_.name(), step_ + 1),
                      .expected = "a finite number",
                      .got = fmt::format("{}", loss),
                      .fix = "choose another --seed"});
  }

  const NetworkBenchmarkOptions& options_;
  const Model& net_;
  Plan training_, inference_;
  LossOperation loss_;
  SyntheticBatches batches_;
  std::vector<Parameter*> parameters_;
  Adam adam_;
  std::size_t step_ = 0;
  Index correct_ = 0;
};

/// Repeats the step until the time is over; the mean of one.
template <class Step>
double time(double seconds, Step&& step) {
  const double start = now();
  double end = start;
  Index steps = 0;
  do {
    step();
    ++steps;
    end = now();
  } while (end - start < seconds);
  return (end - start) / static_cast<double>(steps);
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

void check(const NetworkBenchmarkOptions& o) {
  if (o.batch_size >= 1 && o.rounds >= 1 && o.round_seconds >= 0.0 && std::isfinite(o.round_seconds)) return;
  throw ValueError({.where = fmt::format("bench {}", o.network),
                    .expected = "at least one image a batch, and one round of a finite time",
                    .got = fmt::format("{} images, {} rounds of {} s", o.batch_size, o.rounds, o.round_seconds),
                    .fix = ""});
}

}  // namespace

Model benchmark_network(std::string_view name) { return zoo::build(name, zoo::find_entry(name).image, kClasses); }

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
  Model net = benchmark_network(options.network);
  net.initialize(options.seed);
  NetworkReport report{.network = options.network,
                       .parameters = net.parameter_count(),
                       .batch_size = options.batch_size,
                       .threads = thread_count(),
                       .fma_peak = proof::measure_fma_peak()};
  Steps steps(net, options);
  for (int warm_up = 0; warm_up < 2; ++warm_up) {  // touches all memory
    steps.train();
    steps.infer();
  }
  std::vector<double> training;
  std::vector<double> inference;
  for (int round = 0; round < options.rounds; ++round) {
    training.push_back(time(options.round_seconds, [&steps] { steps.train(); }));
    inference.push_back(time(options.round_seconds, [&steps] { steps.infer(); }));
  }
  const NetworkFlops flops = count_flops(net, options.batch_size);
  report.training = summarize("training", training, flops.training, report);
  report.inference = summarize("inference", inference, flops.inference, report);
  return report;
}

}  // namespace saccade::cli
