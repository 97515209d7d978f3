#include "saccade/cli/conditions.h"

#include <fmt/format.h>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/cli/busy_processes.h"
#include "saccade/cli/network_steps.h"
#include "saccade/proof/fma_peak.h"

namespace saccade::cli {
namespace {

/// Times both kinds of step, begin() and end() around the rounds under the condition.
template <class Begin, class End>
ConditionReport measure(const NetworkBenchmarkOptions& options, std::string condition, Begin&& begin, End&& end) {
  check(options);
  Model net = benchmark_network(options.network, options.seed);
  ConditionReport report{.network = {.network = options.network,
                                     .parameters = net.parameter_count(),
                                     .batch_size = options.batch_size.value_or(usual_batch(net.input_shape())),
                                     .threads = thread_count(),
                                     .fma_peak = proof::measure_fma_peak()},
                         .condition = std::move(condition),
                         .steps = {}};
  NetworkSteps steps(net, report.network.batch_size, options.seed);
  const NetworkFlops flops = count_flops(net, report.network.batch_size);
  const auto add = [&](std::string_view name, double step_flops, const auto& step) {
    const auto usual = [&] { return time_warm_step(options.round_seconds, step); };
    const auto under_condition = [&] {
      begin();
      const double seconds = time_warm_step(options.round_seconds, step);
      end();
      return seconds;
    };
    report.steps.push_back(compare_in_turns(name, options.rounds, usual, under_condition, step_flops, report.network));
  };
  add("training", flops.training, [&steps] { steps.train(); });
  add("inference", flops.inference, [&steps] { steps.infer(); });
  return report;
}

}  // namespace

ConditionReport measure_scaling(const NetworkBenchmarkOptions& options) {
  const int threads = thread_count();
  if (threads == 1) {
    throw ValueError({.where = fmt::format("bench {}: --scaling", options.network),
                      .expected = "two threads or more to compare one with",
                      .got = "1",
                      .fix = "give --threads, on a machine with as many cores"});
  }
  return measure(
      options, "on 1 thread", [] { set_thread_count(1); }, [threads] { set_thread_count(threads); });
}

ConditionReport measure_beside(const NetworkBenchmarkOptions& options, int busy) {
  if (busy < 1) {
    throw ValueError({.where = fmt::format("bench {}: --beside", options.network),
                      .expected = "one process or more",
                      .got = std::to_string(busy),
                      .fix = "leave it out to measure alone"});
  }
  const BusyProcesses processes(busy);
  return measure(
      options, fmt::format("beside {} busy process{}", busy, busy == 1 ? "" : "es"), [&] { processes.go_on(); },
      [&] { processes.pause(); });
}

}  // namespace saccade::cli
