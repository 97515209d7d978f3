#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/nn/model.h"

namespace saccade::cli {

struct NetworkBenchmarkOptions {
  std::string network;                ///< "lenet5": one of the zoo's, or a file.
  std::optional<Index> batch_size{};  ///< Left out: usual_batch().
  std::uint64_t seed = 1;             ///< Of weights, images and labels.
  int rounds = 9;                     ///< Medians are over as many; training and inference take turns in each.
  double round_seconds = 0.3;         ///< A round repeats a step until it has taken this long.
};

/// Floating-point operations of one step, two for each multiply-add that a plan computes.
struct NetworkFlops {
  double inference = 0.0;  ///< The forward pass.
  double training =
      0.0;  ///< Forward, gradients of weights that learn, gradients of inputs below which something learns.
};

/// Counts what a plan runs: the first layer with weights has no gradient of its input. Padding counts as zeros that are
/// multiplied. What is not a multiply-add of a convolution or dense layer (pooling, activations, loss, Adam) is left
/// out.
NetworkFlops count_flops(const Model& net, Index batch);

/// How fast one step is: a step of training is one of fit() on images in memory (forward, accuracy, loss, backward,
/// Adam); a step of inference is the forward pass of an inference plan.
struct NetworkMeasurement {
  std::string_view step;  ///< "training", "inference"
  double seconds = 0.0;   ///< Of one step: median over the rounds.
  double best_seconds = 0.0;
  double worst_seconds = 0.0;
  double images_per_second = 0.0;
  double epoch_seconds = 0.0;  ///< What 60,000 images take, MNIST's training set.
  double gflops = 0.0;
  double share_of_peak = 0.0;  ///< gflops / fma_peak
};

struct NetworkReport {
  std::string network;
  Index parameters = 0;
  Index batch_size = 0;
  int threads = 0;
  double fma_peak = 0.0;  ///< GFLOP/s, measured just before.
  NetworkMeasurement training = {};
  NetworkMeasurement inference = {};
};

/// How many images of that shape a step of training usually takes: 128 of digits, 64 of 32 x 32 pixels in colour, 16 of
/// larger ones.
Index usual_batch(const Shape& image);

/// A network of the zoo, for the images that it is meant for and ten classes, its weights drawn with `seed`; or the network
/// of a file. Throws as load_network() does, and ValueError for an unknown name.
Model benchmark_network(const std::string& name, std::uint64_t seed);

/// Throws ValueError for batches, rounds or times below their least.
void check(const NetworkBenchmarkOptions& options);

/// The figures of a step of so many floating-point operations from the seconds of each round.
NetworkMeasurement summarize(std::string_view step, std::vector<double> seconds, double flops,
                             const NetworkReport& report);

/// Times both kinds of step. Throws ValueError for an unknown network, and for batches, rounds or times below their
/// least.
NetworkReport run_network_benchmark(const NetworkBenchmarkOptions& options);

}  // namespace saccade::cli
