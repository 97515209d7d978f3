#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"

namespace saccade::proof {

struct BenchmarkOptions {
  std::string operation;     ///< "conv2d"
  std::string case_id = {};  ///< One case, which is also proved; empty for the operation's named shapes.
  std::vector<std::pair<std::string, std::string>> shapes = {};  ///< Names and ids, in place of the named shapes.
  std::uint64_t seed = 1;                                        ///< Of the inputs.
  std::string implementation =
      {};                       ///< One only; empty for all but the plain reference, which is left out of named shapes.
  int rounds = 9;               ///< Medians are over as many; the implementations take turns in each.
  double round_seconds = 0.02;  ///< A round repeats a run until it has taken this long.
};

/// How fast one pass of one implementation is.
struct Measurement {
  std::string_view operation;
  std::string shape;  ///< Name of the shape, or the id of a case that has none.
  std::string case_id;
  Pass pass = Pass::forward;
  std::string implementation;
  double seconds = 0.0;  ///< Median over the rounds.
  double best_seconds = 0.0;
  double gflops = 0.0;         ///< GFLOP/s from the median; 0 for operations that are measured in bytes.
  double share_of_peak = 0.0;  ///< gflops / fma_peak
  double bytes = 0.0;          ///< That must be moved at the least: each input and output once.
  double gigabytes = 0.0;      ///< GB/s: bytes over the median.
  double intensity = 0.0;      ///< FLOP a byte; 0 for operations that are measured in bytes.
};

/// What happens in a benchmark, as it happens.
class BenchmarkSink {
 public:
  virtual ~BenchmarkSink() = default;
  virtual void begin(double fma_peak, int threads) = 0;  ///< GFLOP/s, measured just now.
  virtual void proved(const Report&) {}                  ///< Only for a case of the user's own.
  virtual void measured(const Measurement& measurement) = 0;
  virtual void declined(const Declined&) {}
};

/// "forward", "backward_data", "backward_weights"
std::string_view name_of(Pass pass) noexcept;

/// Times every pass of every implementation, and returns whether the case, where one was given, was proved. Throws
/// ValueError for an operation, a case or an implementation that does not exist, and rounds or times below their least.
bool run_operation_benchmark(const BenchmarkOptions& options, BenchmarkSink& sink);

/// The implementation that a plan takes for this pass: the first that does not decline.
std::string_view chosen_implementation(const Case& c, Pass pass);

/// Seconds of processor time that this thread has had: what else the machine does is not in it.
double thread_seconds();

/// The least of thread_seconds() of one run of a pass on this thread alone, an implementation each. They take turns for so many
/// rounds of a run each. Infinite for one that declines. Throws ValueError for a name that does not exist.
std::vector<double> least_seconds(const Case& c, Pass pass, std::span<const std::string_view> implementations,
                                  int rounds);

}  // namespace saccade::proof
