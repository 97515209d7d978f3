#pragma once
#include <string>
#include <vector>

#include "saccade/cli/comparison.h"
#include "saccade/cli/network_benchmark.h"

namespace saccade::cli {

struct ConditionReport {
  NetworkReport network;              ///< Without measurements.
  std::string condition;              ///< "on 1 thread"
  std::vector<StepComparison> steps;  ///< Training and inference; `ours` as usual, `theirs` under the condition.
};

/// Times a network's steps on thread_count() threads and on one, in turns: ratios say how many times as fast all are. Throws
/// as run_network_benchmark does, and ValueError where there is one thread only.
ConditionReport measure_scaling(const NetworkBenchmarkOptions& options);

/// Times a network's steps with nothing beside them and beside `busy` processes that keep a core busy each, in turns: ratios
/// say how many times as long steps take. Throws as run_network_benchmark does, and ValueError for less than one process.
ConditionReport measure_beside(const NetworkBenchmarkOptions& options, int busy);

}  // namespace saccade::cli
