#include "saccade/proof/benchmark.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/proof/arrays.h"
#include "saccade/proof/fma_peak.h"

namespace saccade::proof {
namespace {

constexpr std::string_view kReference = "reference";

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// An implementation with memory of its own, so that none finds another's data in the cache.
class Runner {
 public:
  Runner(const Case& c, std::string_view name, const Inputs& inputs)
      : name_(name),
        prepared_(c.prepare(name)),
        arrays_(c, inputs),
        scratch_(usize(prepared_->scratch_bytes())),
        saved_(usize(prepared_->saved_bytes())),
        views_(arrays_.views()) {}

  std::string_view name() const { return name_; }
  std::string declined(Pass pass) const { return prepared_->declined(pass); }
  void run(Pass pass) { prepared_->run(pass, views_, scratch_.bytes(), saved_.bytes()); }

  /// Runs until the time is over; the mean of one run.
  double time(Pass pass, double seconds) {
    const double start = now();
    double end = start;
    Index runs = 0;
    do {
      run(pass);
      ++runs;
      end = now();
    } while (end - start < seconds);
    return (end - start) / static_cast<double>(runs);
  }

 private:
  std::string_view name_;
  std::unique_ptr<Prepared> prepared_;
  Arrays<float> arrays_;
  AlignedBuffer scratch_, saved_;
  Views<float> views_;
};

void require_implementation(const Case& c, std::string_view name) {
  const std::vector<std::string_view> names = c.implementations();
  if (std::ranges::count(names, name) != 0) return;
  throw ValueError({.where = fmt::format("bench {}", c.operation()),
                    .expected = fmt::format("one of {}", fmt::join(names, ", ")),
                    .got = fmt::format("'{}'", name),
                    .fix = ""});
}

/// Makes memory and caches ready. A backward pass also wants what the forward pass keeps.
void warm_up(Runner& runner, Pass pass) {
  if (runner.declined(Pass::forward).empty()) runner.run(Pass::forward);
  runner.run(pass);
}

class Benchmark {
 public:
  Benchmark(const BenchmarkOptions& options, BenchmarkSink& sink)
      : options_(options), sink_(sink), operation_(find_operation(options.operation)) {}

  bool run() {
    check_options();
    std::vector<std::pair<std::string, std::unique_ptr<Case>>> cases;
    if (!options_.shapes.empty()) {
      for (const auto& [name, id] : options_.shapes) cases.emplace_back(name, operation_.parse(id));
    } else if (options_.case_id.empty()) {
      for (const NamedCase& shape : operation_.shapes) cases.emplace_back(shape.name, operation_.parse(shape.id));
    } else {
      cases.emplace_back(options_.case_id, operation_.parse(options_.case_id));
    }
    check_implementation(*cases.front().second);

    peak_ = measure_fma_peak();
    sink_.begin(peak_, thread_count());
    bool holds = true;
    if (!options_.case_id.empty()) {
      const Report report = prove(*cases.front().second, {.seed = options_.seed, .only = options_.implementation});
      sink_.proved(report);
      holds = report.holds();
    }
    for (const auto& [name, c] : cases) measure(name, *c);
    return holds;
  }

 private:
  void check_options() const {
    if (options_.rounds < 1 || !(options_.round_seconds >= 0.0) || std::isinf(options_.round_seconds)) {
      throw ValueError({.where = "bench",
                        .expected = "at least one round of a finite time",
                        .got = fmt::format("{} rounds of {} s", options_.rounds, options_.round_seconds),
                        .fix = ""});
    }
  }

  void check_implementation(const Case& c) const {
    if (!options_.implementation.empty()) require_implementation(c, options_.implementation);
  }

  bool wants(std::string_view implementation, std::size_t implementations) const {
    if (!options_.implementation.empty()) return implementation == options_.implementation;
    return implementation != kReference || !options_.case_id.empty() || implementations == 1;
  }

  void measure(const std::string& shape, const Case& c) {
    const Inputs inputs = Inputs::reals(c, options_.seed);
    std::vector<std::unique_ptr<Runner>> runners;
    const std::vector<std::string_view> names = c.implementations();
    for (const std::string_view name : names) {
      if (wants(name, names.size())) runners.push_back(std::make_unique<Runner>(c, name, inputs));
    }
    for (const Pass pass : c.passes()) measure(shape, c, pass, runners);
  }

  void measure(const std::string& shape, const Case& c, Pass pass, std::vector<std::unique_ptr<Runner>>& runners) {
    std::vector<Runner*> accepted;
    for (const auto& runner : runners) {
      if (const std::string reason = runner->declined(pass); !reason.empty()) {
        sink_.declined({c.id(), std::string(runner->name()), pass, reason});
        continue;
      }
      warm_up(*runner, pass);
      accepted.push_back(runner.get());
    }
    std::vector<std::vector<double>> seconds(accepted.size());
    for (int round = 0; round < options_.rounds; ++round) {
      for (std::size_t i = 0; i < accepted.size(); ++i) {
        seconds[i].push_back(accepted[i]->time(pass, options_.round_seconds));
      }
    }
    for (std::size_t i = 0; i < accepted.size(); ++i) report(shape, c, pass, accepted[i]->name(), seconds[i]);
  }

  void report(const std::string& shape, const Case& c, Pass pass, std::string_view name, std::vector<double> seconds) {
    std::ranges::sort(seconds);
    const double median = seconds[seconds.size() / 2];
    const double gflops = c.flops(pass) / median / 1e9;
    sink_.measured({.operation = operation_.name,
                    .shape = shape,
                    .case_id = c.id(),
                    .pass = pass,
                    .implementation = std::string(name),
                    .seconds = median,
                    .best_seconds = seconds.front(),
                    .gflops = gflops,
                    .share_of_peak = gflops / peak_,
                    .bytes = c.bytes(pass),
                    .gigabytes = c.bytes(pass) / median / 1e9,
                    .intensity = c.flops(pass) / c.bytes(pass)});
  }

  const BenchmarkOptions& options_;
  BenchmarkSink& sink_;
  const Operation& operation_;
  double peak_ = 0.0;
};

}  // namespace

std::string_view name_of(Pass pass) noexcept {
  switch (pass) {
    case Pass::forward:
      return "forward";
    case Pass::backward_data:
      return "backward_data";
    case Pass::backward_weights:
      return "backward_weights";
  }
  return "unknown";
}

std::string_view chosen_implementation(const Case& c, Pass pass) {
  const std::vector<std::string_view> names = c.implementations();
  const auto takes = [&](std::string_view name) { return c.prepare(name)->declined(pass).empty(); };
  return *std::ranges::find_if(names.begin(), names.end() - 1, takes);
}

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<double> least_seconds(const Case& c, Pass pass, std::span<const std::string_view> implementations,
                                  int rounds) {
  const SingleThreadScope alone;
  const Inputs inputs = Inputs::reals(c, 1);
  std::vector<std::unique_ptr<Runner>> runners;
  for (const std::string_view name : implementations) {
    require_implementation(c, name);
    runners.push_back(std::make_unique<Runner>(c, name, inputs));
    if (runners.back()->declined(pass).empty()) warm_up(*runners.back(), pass);
  }
  std::vector<double> least(runners.size(), std::numeric_limits<double>::infinity());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < runners.size(); ++i) {
      if (!runners[i]->declined(pass).empty()) continue;
      const double start = thread_seconds();
      runners[i]->run(pass);
      least[i] = std::min(least[i], thread_seconds() - start);
    }
  }
  return least;
}

bool run_operation_benchmark(const BenchmarkOptions& options, BenchmarkSink& sink) {
  return Benchmark(options, sink).run();
}

}  // namespace saccade::proof
