#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/cli/network_benchmark.h"
#include "saccade/cli/peer.h"

namespace saccade::cli {

struct ComparisonOptions {
  /// Without a batch size, PyTorch gets usual_batch() and ONNX Runtime, which only infers, one image.
  NetworkBenchmarkOptions network;
  PeerKind peer = PeerKind::pytorch;
  std::string program = {};  ///< PeerOptions::program
};

/// One kind of step on both sides.
struct StepComparison {
  NetworkMeasurement ours, theirs;
  std::vector<double> ratios;                        ///< Their time over ours, by round, in the order of the rounds.
  double median = 0.0, least = 0.0, greatest = 0.0;  ///< Of the ratios.
  std::string layout;                                ///< Of the peer's images: "NHWC"; or empty.
};

/// Times the two sides of one kind of step in turns; who begins changes from round to round. Each call of a side makes one
/// round and returns the seconds of a step.
StepComparison compare_in_turns(std::string_view step, int rounds, const std::function<double()>& ours,
                                const std::function<double()>& theirs, double flops, const NetworkReport& report);

struct ComparisonReport {
  NetworkReport network;  ///< Without measurements.
  std::string peer;       ///< "PyTorch 1.13.0"
  /// The largest difference of the two sides' outputs, relative to the largest output.
  double difference = 0.0;
  std::optional<Index> training_bytes, peer_training_bytes;  ///< Beside the images; where both are known.
  std::vector<StepComparison> steps;                         ///< Training and inference, or what the peer has of them.
};

/// Runs a network here and in the peer, on as many threads, and holds the outputs of one batch against each other first:
/// they must agree within 1e-3 of the largest. Rounds are interleaved, each with a short warm-up of its own. Each gives a ratio, so that whatever else the machine does falls on both.
/// Throws as Peer and run_network_benchmark do, and ValueError for outputs that differ.
ComparisonReport compare_network(const ComparisonOptions& options);

}  // namespace saccade::cli
