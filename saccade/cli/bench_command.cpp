#include "saccade/cli/bench_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/network_benchmark.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/proof/benchmark.h"
#include "saccade/proof/operations.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

using nlohmann::ordered_json;

struct BenchRequest {
  std::vector<std::string> targets;
  std::string case_id;
  std::string implementation;
  std::uint64_t seed = 1;
  std::optional<Index> batch_size;
  int rounds = 9;
  std::optional<double> round_seconds;
  std::optional<int> threads;
  bool exact = false;
  bool json = false;
};

bool is_operation(const std::string& name) {
  return std::ranges::any_of(proof::operations(), [&name](const auto& operation) { return operation.name == name; });
}

bool is_network(const std::string& name) {
  return std::ranges::any_of(zoo::entries(), [&name](const auto& entry) { return entry.name == name; });
}

std::string operation_names() {
  std::string names;
  for (const proof::Operation& operation : proof::operations()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", operation.name);
  }
  return names;
}

std::string network_names() {
  std::string names;
  for (const zoo::Entry& entry : zoo::entries()) names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
  return names;
}

/// Everything that can be told before anything is timed.
void check(const BenchRequest& request) {
  bool operations = false;
  bool networks = false;
  for (const std::string& name : request.targets) {
    operations = operations || is_operation(name);
    networks = networks || is_network(name);
    if (is_operation(name) || is_network(name)) continue;
    throw ValueError({.where = "bench",
                      .expected = fmt::format("one of {}, {}", operation_names(), network_names()),
                      .got = fmt::format("'{}'", name),
                      .fix = "check the spelling"});
  }
  const bool for_one_operation = !request.case_id.empty() || !request.implementation.empty();
  if (for_one_operation && (networks || request.targets.size() != 1)) {
    throw ValueError({.where = "bench: --case and --implementation",
                      .expected = "one operation, which they belong to",
                      .got = fmt::format("{}", fmt::join(request.targets, " ")),
                      .fix = "saccade bench --help shows an example"});
  }
  if (operations && request.batch_size) {
    throw ValueError({.where = "bench: --batch-size",
                      .expected = "networks only: the shapes of operations have their own",
                      .got = fmt::format("{}", fmt::join(request.targets, " ")),
                      .fix = "leave it out"});
  }
}

ordered_json to_json(const proof::Measurement& m) {
  return {{"shape", m.shape},
          {"case", m.case_id},
          {"pass", proof::name_of(m.pass)},
          {"implementation", m.implementation},
          {"seconds", m.seconds},
          {"best_seconds", m.best_seconds},
          {"gflops", m.gflops},
          {"share_of_peak", m.share_of_peak},
          {"gigabytes_per_second", m.gigabytes}};
}

/// Prints a table as it grows, or collects for JSON.
class OperationPrinter final : public proof::BenchmarkSink {
 public:
  OperationPrinter(const BenchRequest& request, Console& console) : json_only_(request.json), console_(console) {}

  void begin(double fma_peak, int threads) override {
    json_["fma_peak_gflops"] = fma_peak;
    json_["threads"] = threads;
    json_["measurements"] = ordered_json::array();
    json_["declined"] = ordered_json::array();
    if (json_only_) return;
    console_.out << fmt::format("{} threads, FMA peak {:.0f} GFLOP/s\n", threads, fma_peak)
                 << fmt::format("{:<24} {:<16} {:<14} {:>11} {:>11} {:>8} {:>7} {:>7}\n", "shape", "pass",
                                "implementation", "median us", "best us", "GFLOP/s", "of peak", "GB/s");
  }

  void proved(const proof::Report& report) override {
    json_["proved"] = report.holds();
    if (!report.holds()) console_.err << report.to_string() << '\n';
    if (report.holds() && !json_only_) console_.out << report.to_string() << '\n';
  }

  void measured(const proof::Measurement& m) override {
    json_["measurements"].push_back(to_json(m));
    if (json_only_) return;
    const std::string compute =
        m.gflops > 0.0 ? fmt::format("{:8.1f} {:5.0f} %", m.gflops, 100.0 * m.share_of_peak) : fmt::format("{:16}", "");
    console_.out << fmt::format("{:<24} {:<16} {:<14} {:11.2f} {:11.2f} {} {:7.1f}\n", m.shape, proof::name_of(m.pass),
                                m.implementation, 1e6 * m.seconds, 1e6 * m.best_seconds, compute, m.gigabytes)
                 << std::flush;
  }

  void declined(const proof::Declined& d) override {
    json_["declined"].push_back({{"case", d.case_id},
                                 {"pass", proof::name_of(d.pass)},
                                 {"implementation", d.implementation},
                                 {"reason", d.reason}});
    if (!json_only_) {
      console_.out << fmt::format("{} {} {}: declined, {}\n", d.case_id, proof::name_of(d.pass), d.implementation,
                                  d.reason);
    }
  }

  ordered_json& json() { return json_; }

 private:
  bool json_only_;
  Console& console_;
  ordered_json json_;
};

ordered_json to_json(const NetworkMeasurement& m) {
  return {{"seconds", m.seconds},
          {"best_seconds", m.best_seconds},
          {"worst_seconds", m.worst_seconds},
          {"images_per_second", m.images_per_second},
          {"epoch_seconds", m.epoch_seconds},
          {"gflops", m.gflops},
          {"share_of_peak", m.share_of_peak}};
}

ordered_json to_json(const NetworkReport& report) {
  return {{"name", report.network},
          {"fma_peak_gflops", report.fma_peak},
          {"threads", report.threads},
          {"parameters", report.parameters},
          {"batch_size", report.batch_size},
          {"training", to_json(report.training)},
          {"inference", to_json(report.inference)}};
}

std::string to_text(const NetworkReport& report) {
  std::string text = fmt::format(
      "{}: {} parameters, batches of {}, {} threads, FMA peak {:.0f} GFLOP/s\n"
      "{:<10} {:>9} {:>9} {:>9} {:>10} {:>16} {:>8} {:>7}\n",
      report.network, report.parameters, report.batch_size, report.threads, report.fma_peak, "", "ms/step", "best",
      "worst", "images/s", "s/60,000 images", "GFLOP/s", "of peak");
  for (const NetworkMeasurement& m : {report.training, report.inference}) {
    text += fmt::format("{:<10} {:9.3f} {:9.3f} {:9.3f} {:10.0f} {:16.2f} {:8.1f} {:5.0f} %\n", m.step, 1e3 * m.seconds,
                        1e3 * m.best_seconds, 1e3 * m.worst_seconds, m.images_per_second, m.epoch_seconds, m.gflops,
                        100.0 * m.share_of_peak);
  }
  return text;
}

/// Times one operation; returns whether the case, where one was given, was proved.
bool bench_operation(const std::string& name, const BenchRequest& request, Console& console, ordered_json& all) {
  proof::BenchmarkOptions options{.operation = name,
                                  .case_id = request.case_id,
                                  .seed = request.seed,
                                  .implementation = request.implementation,
                                  .rounds = request.rounds};
  if (request.round_seconds) options.round_seconds = *request.round_seconds;
  OperationPrinter printer(request, console);
  printer.json()["name"] = name;
  const bool holds = proof::run_operation_benchmark(options, printer);
  all.push_back(std::move(printer.json()));
  return holds;
}

void bench_network(const std::string& name, const BenchRequest& request, Console& console, ordered_json& all) {
  NetworkBenchmarkOptions options{.network = name, .seed = request.seed, .rounds = request.rounds};
  if (request.batch_size) options.batch_size = *request.batch_size;
  if (request.round_seconds) options.round_seconds = *request.round_seconds;
  const NetworkReport report = run_network_benchmark(options);
  all.push_back(to_json(report));
  if (!request.json) console.out << to_text(report) << std::flush;
}

void bench(const BenchRequest& request, Console& console) {
  check(request);
  if (request.threads) set_thread_count(*request.threads);
  kernels::set_exact_convolutions(request.exact);
  ordered_json all = ordered_json::array();
  bool holds = true;
  for (const std::string& name : request.targets) {
    if (is_operation(name)) {
      holds = bench_operation(name, request, console, all) && holds;
    } else {
      bench_network(name, request, console, all);
    }
  }
  if (request.json) console.out << ordered_json{{"benchmarks", all}}.dump(2) << '\n';
  if (!holds) throw Exit{1};
}

}  // namespace

void add_bench_command(const Command& program, Console& console) {
  const auto request = std::make_shared<BenchRequest>();
  const Command command = program.add_command("bench", "Measure how fast operations and networks are");
  command.add("NAME", request->targets,
              fmt::format("operations: {}\nnetworks: {}", operation_names(), network_names()));
  command.add("--case", request->case_id, "one case of an operation, which is also proved").type("ID");
  command.add("--implementation", request->implementation, "one implementation of an operation [all fast ones]")
      .type("NAME");
  command.add("--seed", request->seed, "of inputs and weights");
  command.add("--batch-size", request->batch_size, "images a step of a network [128]");
  command.add("--rounds", request->rounds, "medians are over as many");
  command.add("--round-seconds", request->round_seconds, "length of a round [operations 0.02, networks 0.3]")
      .type("SECONDS");
  command.add("--threads", request->threads, "threads that compute [one a core]");
  command.add("--exact", request->exact, kExactHelp);
  command.add("--json", request->json, "print as JSON");
  command.footer(
      "Networks are timed over whole training steps as fit() makes them (forward, loss, backward, Adam; synthetic\n"
      "images in memory), and over inference of the same batch. GFLOP/s count two for each multiply-add that is\n"
      "computed; \"of peak\" is the share of what the cores' fused multiply-adds reach, measured in the same run.\n"
      "Examples:\n"
      "  saccade bench lenet5 mlp\n"
      "  saccade bench vgg_small --batch-size 64 --threads 1\n"
      "  saccade bench conv2d --json\n"
      "  saccade bench dense --case m2k3u4 --seed 41");
  command.action([request, command, &console] {
    if (request->targets.empty()) {
      console.out << command.help();
    } else {
      bench(*request, console);
    }
  });
}

}  // namespace saccade::cli
