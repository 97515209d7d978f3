#include "saccade/cli/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/cli/network_steps.h"
#include "saccade/cli/peak_memory.h"
#include "saccade/proof/fma_peak.h"

namespace saccade::cli {
namespace {

constexpr double kTolerance = 1e-3;

double largest_difference(std::span<const float> ours, std::span<const float> theirs) {
  double largest = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(ours[i])));
    const double apart = std::abs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i]));
    if (!(apart <= difference)) difference = apart;  // a NaN too
  }
  return difference / largest;
}

void require_agreement(const std::string& where, double difference) {
  if (difference <= kTolerance) return;
  throw ValueError({.where = where,
                    .expected = fmt::format("outputs that agree within {} of the largest", kTolerance),
                    .got = fmt::format("a difference of {:.2g}", difference),
                    .fix = "they do not compute the same network; please report this"});
}

/// What training takes beside the images: weights, gradients, Adam's memory, activations, working memory; or nothing known.
/// Makes one step. Counted from where the peer counts: behind a batch of inference, for which libraries made themselves
/// ready.
std::optional<Index> bytes_of_training(Model& net, Index batch, std::uint64_t seed) {
  NetworkSteps(net, batch, seed).infer();
  NetworkSteps steps(net, batch, seed);
  const PeakMemory memory;
  steps.train();  // touches all that a step touches
  const std::optional<Index> growth = memory.growth_bytes();
  if (!growth) return std::nullopt;
  return *growth + net.parameter_count() * isize(sizeof(float));
}

/// One kind of step, timed in turns.
StepComparison compare_step(const ComparisonOptions& options, std::string_view step, NetworkSteps& steps, Peer& peer,
                            double flops, const NetworkReport& report) {
  const auto ours = [&] {
    const auto run = [&] { step == "training" ? steps.train() : static_cast<void>(steps.infer()); };
    return time_warm_step(options.network.round_seconds, run);
  };
  const auto theirs = [&] { return peer.time(step, options.network.round_seconds); };
  StepComparison comparison = compare_in_turns(step, options.network.rounds, ours, theirs, flops, report);
  if (const auto layout = peer.layouts().find(std::string(step)); layout != peer.layouts().end()) {
    comparison.layout = layout->second;
  }
  return comparison;
}

}  // namespace

StepComparison compare_in_turns(std::string_view step, int rounds, const std::function<double()>& ours,
                                const std::function<double()>& theirs, double flops, const NetworkReport& report) {
  std::vector<double> our_seconds, their_seconds;
  StepComparison comparison;
  for (int round = 0; round < rounds; ++round) {
    if (round % 2 == 0) our_seconds.push_back(ours());
    their_seconds.push_back(theirs());
    if (round % 2 != 0) our_seconds.push_back(ours());
    comparison.ratios.push_back(their_seconds.back() / our_seconds.back());
  }
  std::vector<double> sorted = comparison.ratios;
  std::ranges::sort(sorted);
  comparison.median = sorted[sorted.size() / 2];
  comparison.least = sorted.front();
  comparison.greatest = sorted.back();
  comparison.ours = summarize(step, std::move(our_seconds), flops, report);
  comparison.theirs = summarize(step, std::move(their_seconds), flops, report);
  return comparison;
}

ComparisonReport compare_network(const ComparisonOptions& options) {
  check(options.network);
  const bool trains = options.peer == PeerKind::pytorch;
  Model net = benchmark_network(options.network.network, options.network.seed);
  const Index batch = options.network.batch_size.value_or(trains ? usual_batch(net.input_shape()) : 1);
  std::optional<Index> training_bytes;
  if (trains) training_bytes = bytes_of_training(net, batch, options.network.seed);
  NetworkSteps steps(net, batch, options.network.seed);

  std::vector<std::string_view> names = {"inference"};
  if (trains) names.insert(names.begin(), "training");
  Peer peer({.kind = options.peer, .program = options.program, .steps = names, .threads = thread_count()}, net,
            steps.batches().images(0), batch);
  ComparisonReport report{.network = {.network = options.network.network,
                                      .parameters = net.parameter_count(),
                                      .batch_size = batch,
                                      .threads = thread_count(),
                                      .fma_peak = proof::measure_fma_peak()},
                          .peer = peer.name() + " " + peer.version()};
  const std::span<const float> outputs = steps.infer();
  const std::string where = fmt::format("bench {}: {}", options.network.network, report.peer);
  if (outputs.size() != peer.outputs().size()) {
    throw ValueError({.where = where,
                      .expected = fmt::format("{} outputs", outputs.size()),
                      .got = std::to_string(peer.outputs().size()),
                      .fix = ""});
  }
  report.difference = largest_difference(outputs, peer.outputs());
  require_agreement(where, report.difference);

  report.training_bytes = training_bytes;
  report.peer_training_bytes = peer.training_bytes();
  const NetworkFlops flops = count_flops(net, batch);
  for (const std::string_view name : names) {
    report.steps.push_back(compare_step(options, name, steps, peer,
                                        name == "training" ? flops.training : flops.inference, report.network));
  }
  return report;
}

}  // namespace saccade::cli
