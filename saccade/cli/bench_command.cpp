#include "saccade/cli/bench_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/parallel.h"
#include "saccade/cli/bench_report_internal.h"
#include "saccade/cli/comparison.h"
#include "saccade/cli/conditions.h"
#include "saccade/cli/gate.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/network_benchmark.h"
#include "saccade/cli/roofline.h"
#include "saccade/cli/shapes_file.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/proof/benchmark.h"
#include "saccade/proof/fma_peak.h"
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
  std::string compare;
  std::string peer_program;
  bool scaling = false;
  std::optional<int> beside;
  std::string gate;
  bool update = false;
  std::string shapes;
  std::string roofline;
  bool exact = false;
  bool json = false;
};

bool is_network(const std::string& name) {
  return is_network_path(name) ||
         std::ranges::any_of(zoo::entries(), [&name](const auto& entry) { return entry.name == name; });
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

[[noreturn]] void refuse(const std::string& option, std::string expected, std::string got, std::string fix) {
  throw ValueError({.where = fmt::format("bench{}{}", option.empty() ? "" : ": ", option),
                    .expected = std::move(expected),
                    .got = std::move(got),
                    .fix = std::move(fix)});
}

constexpr const char* kSeeHelp = "saccade bench --help shows an example";

/// What options ask of the targets, of which some are operations or networks.
void check_options(const BenchRequest& request, bool operations, bool networks) {
  const std::string targets = fmt::format("{}", fmt::join(request.targets, " "));
  const bool for_one_operation = !request.case_id.empty() || !request.implementation.empty();
  if (for_one_operation && (networks || request.targets.size() != 1 || !request.shapes.empty())) {
    refuse("--case and --implementation", "one operation, which they belong to", targets, kSeeHelp);
  }
  if (operations && request.batch_size) {
    refuse("--batch-size", "networks only: the shapes of operations have their own", targets, "leave it out");
  }
  if (operations && !request.compare.empty()) refuse("--compare", "networks only", targets, "name a network");
  if (!request.compare.empty()) parse_peer(request.compare);
  const int kinds = (request.compare.empty() ? 0 : 1) + (request.roofline.empty() ? 0 : 1) + (request.scaling ? 1 : 0) +
                    (request.beside ? 1 : 0);
  if (kinds > 1) refuse("", "one of --compare, --roofline, --scaling and --beside", fmt::format("{}", kinds), kSeeHelp);
  if (operations && (request.scaling || request.beside)) {
    refuse(request.scaling ? "--scaling" : "--beside", "networks only", targets, "name a network");
  }
  if (!request.roofline.empty()) {
    if (operations || request.targets.size() != 1) {
      refuse("--roofline", "one network, alone", targets, kSeeHelp);
    }
    if (!request.roofline.ends_with(".svg")) {
      refuse("--roofline", "a file name that ends in .svg", fmt::format("'{}'", request.roofline), "");
    }
  }
  if (request.update) refuse("--update", "--gate FILE, the table that is written anew", "none", kSeeHelp);
}

/// Everything that can be told before anything is timed.
void check(const BenchRequest& request) {
  if (!request.shapes.empty()) read_shapes(request.shapes);
  bool operations = false;
  bool networks = false;
  for (const std::string& name : request.targets) {
    operations = operations || proof::is_operation(name);
    networks = networks || is_network(name);
    if (proof::is_operation(name) || is_network(name)) continue;
    refuse("", fmt::format("one of {}, {}, or a network file", operation_names(), network_names()),
           fmt::format("'{}'", name), "check the spelling");
  }
  check_options(request, operations, networks);
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
                 << fmt::format("{:<24} {:<16} {:<14} {:>11} {:>11} {:>8} {:>7} {:>7} {:>9} {:>7}\n", "shape", "pass",
                                "implementation", "median us", "best us", "GFLOP/s", "of peak", "GB/s", "MB", "FLOP/B");
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
    const std::string intensity = m.gflops > 0.0 ? fmt::format(" {:7.1f}", m.intensity) : "";
    console_.out << fmt::format("{:<24} {:<16} {:<14} {:11.2f} {:11.2f} {} {:7.1f} {:9.3f}{}\n", m.shape,
                                proof::name_of(m.pass), m.implementation, 1e6 * m.seconds, 1e6 * m.best_seconds,
                                compute, m.gigabytes, m.bytes / 1e6, intensity)
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

/// Times one operation at these shapes, or its own; returns whether the case, where one was given, was proved.
bool bench_operation(const ShapeGroup& group, const BenchRequest& request, Console& console, ordered_json& all) {
  proof::BenchmarkOptions options{.operation = group.operation,
                                  .case_id = request.case_id,
                                  .shapes = group.shapes,
                                  .seed = request.seed,
                                  .implementation = request.implementation,
                                  .rounds = request.rounds};
  if (request.round_seconds) options.round_seconds = *request.round_seconds;
  OperationPrinter printer(request, console);
  printer.json()["name"] = group.operation;
  const bool holds = proof::run_operation_benchmark(options, printer);
  all.push_back(std::move(printer.json()));
  return holds;
}

void bench_network(const std::string& name, const BenchRequest& request, Console& console, ordered_json& all) {
  NetworkBenchmarkOptions options{
      .network = name, .batch_size = request.batch_size, .seed = request.seed, .rounds = request.rounds};
  if (request.round_seconds) options.round_seconds = *request.round_seconds;
  const auto report = [&](const auto& result) {
    all.push_back(to_json(result));
    if (!request.json) console.out << to_text(result) << std::flush;
  };
  if (!request.roofline.empty()) {
    const RooflineReport roofline = measure_roofline(options);
    write_file(request.roofline, draw_roofline(roofline));
    report(roofline);
  } else if (request.scaling) {
    report(measure_scaling(options));
  } else if (request.beside) {
    report(measure_beside(options, *request.beside));
  } else if (request.compare.empty()) {
    report(run_network_benchmark(options));
  } else {
    report(compare_network({.network = options, .peer = parse_peer(request.compare), .program = request.peer_program}));
  }
}

/// Holds a table of ratios; the command fails when one is missed in two tries.
void run_gate(const BenchRequest& request, Console& console) {
  if (!request.targets.empty() || !request.compare.empty() || !request.shapes.empty() || !request.case_id.empty()) {
    refuse("--gate", "the file alone, which says what is measured", "something else to measure, too", "leave it out");
  }
  std::vector<GateRow> rows = read_gate(request.gate);
  constexpr Index kLeastVector = 8;
  if (proof::vector_floats() < kLeastVector) {
    warn(console, "bench: --gate: the ratios are those of processors with AVX2; nothing is measured on this one");
    return;
  }
  ordered_json all = ordered_json::array();
  bool holds = true;
  for (GateRow& row : rows) {
    GateResult result;
    const bool held = hold_gate_row(row, request.rounds, result);
    const std::string what = fmt::format("{} {} {}", row.target, row.shape, row.step);
    all.push_back({{"name", row.target},
                   {"shape", row.shape},
                   {"step", row.step},
                   {"yardstick", row.yardstick},
                   {"implementation", result.implementation},
                   {"ratio", result.ratio},
                   {"least_ratio", row.least},
                   {"tried_again", result.tried_again},
                   {"holds", held}});
    if (request.update) row.least = gate_margin(row, result.ratio);
    holds = holds && (held || request.update);
    if (request.json) continue;
    console.out << fmt::format("{} {:<66} {:6.2f} of {:<9} at least {:.2f}{}{}\n", held ? "ok    " : "FAILED", what,
                               result.ratio, row.yardstick, row.least,
                               result.implementation.empty() ? "" : ", by " + result.implementation,
                               result.tried_again ? ", second try" : "")
                << std::flush;
  }
  if (request.update) update_gate(request.gate, rows);
  if (request.json) console.out << ordered_json{{"holds", holds}, {"gate", all}}.dump(2) << '\n';
  if (!holds) throw Exit{1};
}

void bench(const BenchRequest& request, Console& console) {
  check(request);
  if (request.threads) set_thread_count(*request.threads);
  kernels::set_exact_convolutions(request.exact);
  ordered_json all = ordered_json::array();
  bool holds = true;
  for (const std::string& name : request.targets) {
    if (proof::is_operation(name)) {
      holds = bench_operation({name, {}}, request, console, all) && holds;
    } else {
      bench_network(name, request, console, all);
    }
  }
  if (!request.shapes.empty()) {
    for (const ShapeGroup& group : read_shapes(request.shapes)) bench_operation(group, request, console, all);
  }
  if (request.json) console.out << ordered_json{{"benchmarks", all}}.dump(2) << '\n';
  if (!holds) throw Exit{1};
}

}  // namespace

void add_bench_command(const Command& program, Console& console) {
  const auto request = std::make_shared<BenchRequest>();
  const Command command = program.add_command("bench", "Measure how fast operations and networks are");
  command.add("NAME", request->targets,
              fmt::format("operations: {}\nnetworks: {}, or a file", operation_names(), network_names()));
  command.add("--case", request->case_id, "one case of an operation, which is also proved").type("ID");
  command.add("--implementation", request->implementation, "one implementation of an operation [all fast ones]")
      .type("NAME");
  command.add("--seed", request->seed, "of inputs and weights");
  command.add("--batch-size", request->batch_size,
              "images a step of a network [by their size: 128, 64 or 16; 1 against onnxruntime]");
  command.add("--compare", request->compare, "run networks in a peer, too, in turns: pytorch or onnxruntime")
      .type("PEER");
  command.add("--peer-program", request->peer_program, "the python3 or node that has the peer [the one on the PATH]")
      .type("FILE");
  command.add("--scaling", request->scaling, "time networks on one thread, too, in turns");
  command.add("--beside", request->beside,
              "time networks beside N processes that keep a core busy each, too, in turns");
  command.add("--shapes", request->shapes, "cases of operations to time, from a file: OPERATION CASE [NAME] a line")
      .type("FILE");
  command
      .add("--roofline", request->roofline,
           "time each operation of a network's training and draw them under the roofline")
      .type("FILE.svg");
  command.add("--gate", request->gate, "hold a table of ratios, on one thread; exit code 1 where one is missed twice")
      .type("FILE");
  command.add("--update", request->update, "with --gate: write the table anew from what is measured");
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
      "  saccade bench lenet5 mlp --compare pytorch\n"
      "  saccade bench lenet5 vgg_small --scaling\n"
      "  saccade bench lenet5 --beside 1\n"
      "  saccade bench --shapes bench/shapes/resnet18.txt\n"
      "  saccade bench resnet18 --roofline resnet18.svg\n"
      "  saccade bench --gate bench/gate.txt\n"
      "  saccade bench conv2d --json\n"
      "  saccade bench dense --case m2k3u4 --seed 41");
  command.action([request, command, &console] {
    if (!request->gate.empty()) {
      run_gate(*request, console);
    } else if (request->targets.empty() && request->shapes.empty()) {
      console.out << command.help();
    } else {
      bench(*request, console);
    }
  });
}

}  // namespace saccade::cli
