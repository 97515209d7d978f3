#include "saccade/cli/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/nn/plan.h"
#include "saccade/proof/benchmark.h"
#include "saccade/proof/fma_peak.h"
#include "saccade/proof/memory_bandwidth.h"

namespace saccade::cli {
namespace {

constexpr double kFloatBytes = 4.0;

/// What one node's two passes are, without their times.
struct NodeWork {
  RooflinePoint forward, backward;
};

/// The names of the implementations that run in a pass: "forward" and "backward_data" are parts of one, "convolution + pooling"
/// is a part of both.
std::string implementations_of(const PlanStep& step, bool backward) {
  std::string names;
  for (const Operation::Part& part : step.parts) {
    const bool in_forward = part.part.find("backward") == std::string::npos || part.part.starts_with("forward");
    const bool in_backward = part.part != "forward";
    const std::string name(part.explanation.name);
    if (!(backward ? in_backward : in_forward) || names.find(name) != std::string::npos) continue;
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

NodeWork work_of(const Model& net, const PlanStep& step, Index batch, bool grad_src) {
  const GraphNode& node = net.nodes()[step.node];
  const double images = static_cast<double>(batch);
  double src = 0.0, weights = 0.0;
  for (const Shape& shape : net.graph().input_shapes(node)) src += images * static_cast<double>(shape.elements());
  bool learns = false;
  for (const std::size_t p : node.parameters) {
    weights += static_cast<double>(net.parameters()[p].value.elements());
    learns = learns || net.parameters()[p].learns();
  }
  const auto dst = static_cast<double>(step.elements);
  const double flops = 2.0 * images * static_cast<double>(node.layer->multiply_adds(net.graph().input_shapes(node)));
  NodeWork work{.forward = {.layer = step.name}, .backward = {.layer = step.name, .backward = true}};
  work.forward.implementation = implementations_of(step, false);
  work.backward.implementation = implementations_of(step, true);
  work.forward.flops = flops;
  work.forward.bytes = kFloatBytes * (src + weights + dst);
  work.backward.flops = flops * ((learns ? 1.0 : 0.0) + (grad_src ? 1.0 : 0.0));
  work.backward.bytes =
      kFloatBytes * (dst + src + weights + (grad_src ? src + weights : 0.0) + (step.backward_reads_dst ? dst : 0.0));
  return work;
}

/// Where the time of a plan goes, by node: the least of all rounds, as the roofs are the best of theirs.
class StepClock {
 public:
  explicit StepClock(std::size_t nodes) : least_(nodes, std::numeric_limits<double>::infinity()) {}

  void begin() { last_ = now(); }
  void after(std::size_t node) {
    const double time = now();
    least_[node] = std::min(least_[node], time - last_);
    last_ = time;
  }
  /// Infinite where the node has no such pass.
  double least(std::size_t node) const { return least_[node]; }

 private:
  /// One thread's processor time, so that what else the machine does is not in it; several threads also wait for one another.
  double now() const {
    if (alone_) return proof::thread_seconds();
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  bool alone_ = thread_count() == 1;
  std::vector<double> least_;
  double last_ = 0.0;
};

}  // namespace

double RooflineReport::seconds() const {
  double total = 0.0;
  for (const RooflinePoint& point : points) total += point.seconds;
  return total;
}

RooflineReport measure_roofline(const NetworkBenchmarkOptions& options) {
  check(options);
  Model net = benchmark_network(options.network, options.seed);
  RooflineReport report{.network = options.network,
                        .batch_size = options.batch_size.value_or(usual_batch(net.input_shape())),
                        .threads = thread_count(),
                        .fma_peak = proof::measure_fma_peak(),
                        .bandwidth = proof::measure_memory_bandwidth()};
  Plan plan(net, report.batch_size, PlanMode::training);
  std::vector<float> images(usize(report.batch_size * net.input_shape().elements()));
  Stream stream(options.seed, 0, 0, slot_of("bench.roofline"));
  for (float& pixel : images) pixel = stream.uniform();
  std::vector<float> grad(usize(report.batch_size * net.output_shape().elements()));
  for (float& value : grad) value = stream.uniform() - 0.5F;

  StepClock forward(net.nodes().size()), backward(net.nodes().size());
  const auto run = [&] {
    plan.observe([&](std::size_t node) { forward.after(node); });
    forward.begin();
    plan.forward(images);
    std::ranges::copy(grad, plan.output_grad().begin());
    plan.observe([&](std::size_t node) { backward.after(node); });
    backward.begin();
    plan.backward();
  };
  for (int round = 0; round <= options.rounds; ++round) run();  // the first touches all memory

  std::vector<bool> wants_grad(net.nodes().size());
  for (const PlanStep& step : plan.steps()) {
    const GraphNode& node = net.nodes()[step.node];
    const bool grad_src = std::ranges::any_of(node.inputs, [&](std::size_t input) { return wants_grad[input]; });
    wants_grad[step.node] =
        grad_src || std::ranges::any_of(node.parameters, [&](std::size_t p) { return net.parameters()[p].learns(); });
    if (!step.computes) continue;
    NodeWork work = work_of(net, step, report.batch_size, grad_src);
    for (auto [point, clock] : {std::pair(&work.forward, &forward), std::pair(&work.backward, &backward)}) {
      point->seconds = clock->least(step.node);
      if (std::isinf(point->seconds)) continue;
      report.points.push_back(std::move(*point));
    }
  }
  return report;
}

}  // namespace saccade::cli
