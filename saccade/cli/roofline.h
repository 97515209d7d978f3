#pragma once
#include <string>
#include <vector>

#include "saccade/cli/network_benchmark.h"

namespace saccade::cli {

/// One pass of one operation of a training plan.
struct RooflinePoint {
  std::string layer;
  bool backward = false;
  std::string implementation;  ///< "winograd"; of a backward pass both, if they differ.
  double seconds = 0.0;        ///< Least of the rounds; on one thread, of its processor time.
  double flops = 0.0;          ///< As NetworkFlops counts them; 0 for what has no multiply-adds.
  /// What must be moved at the least: each input, output, weight and gradient once.
  double bytes = 0.0;

  double gflops() const { return flops / seconds / 1e9; }
  double intensity() const { return flops / bytes; }  ///< FLOP a byte.
};

struct RooflineReport {
  std::string network;
  Index batch_size = 0;
  int threads = 0;
  double fma_peak = 0.0;   ///< GFLOP/s, measured just before.
  double bandwidth = 0.0;  ///< GB/s of the memory, likewise.
  std::vector<RooflinePoint> points;

  double seconds() const;  ///< Of all points: forward and backward, without the loss and the optimiser.
};

/// Times each operation of a network's training plan by itself, forward and backward, in the course of whole steps. Throws as
/// run_network_benchmark() does.
RooflineReport measure_roofline(const NetworkBenchmarkOptions& options);

/// The picture as SVG: operations by FLOP a byte and GFLOP/s, both logarithmic, below the roof that memory and multiply-adds
/// are; the larger a point, the larger its share of the time. Source: Williams, Waterman and Patterson, "Roofline: an
/// insightful visual performance model", 2009.
std::string draw_roofline(const RooflineReport& report);

}  // namespace saccade::cli
