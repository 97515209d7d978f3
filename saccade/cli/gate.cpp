#include "saccade/cli/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/parallel.h"
#include "saccade/cli/network_benchmark.h"
#include "saccade/cli/network_steps.h"
#include "saccade/cli/text_table.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/nn/view.h"
#include "saccade/proof/benchmark.h"
#include "saccade/proof/fma_peak.h"
#include "saccade/proof/operations.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

constexpr std::string_view kPeak = "fma_peak", kExact = "exact", kApart = "apart";
constexpr std::size_t kWords = 5;
constexpr Index kLargestBatch = 4096;

/// The pass of that name that the case has.
std::optional<proof::Pass> find_pass(const proof::Case& c, std::string_view name) {
  for (const proof::Pass pass : c.passes()) {
    if (proof::name_of(pass) == name) return pass;
  }
  return {};
}

/// A whole number from 1 to kLargestBatch, or nothing.
std::optional<Index> parse_batch(const std::string& text) {
  Index batch = 0;
  std::istringstream in(text);
  if (!(in >> batch) || !in.eof() || batch < 1 || batch > kLargestBatch) return {};
  return batch;
}

/// Checks one line's words.
class RowReader {
 public:
  RowReader(const std::filesystem::path& path, int line)
      : where_(fmt::format("{}:{}", path.string(), line)), line_(line) {}

  GateRow read(const std::vector<std::string>& words) const {
    if (words.size() != kWords) {
      fail("TARGET SHAPE STEP YARDSTICK RATIO", fmt::format("{} words", words.size()));
    }
    GateRow row{.target = words[0], .shape = words[1], .step = words[2], .yardstick = words[3], .line = line_};
    std::istringstream number(words[4]);
    if (!(number >> row.least) || !number.eof() || !(row.least > 0.0) || std::isinf(row.least)) {
      fail("a ratio above 0", quoted(words[4]));
    }
    if (proof::is_operation(row.target)) {
      check_operation(row);
    } else {
      check_network(row);
    }
    return row;
  }

 private:
  static std::string quoted(const std::string& text) { return fmt::format("'{}'", text); }

  [[noreturn]] void fail(std::string expected, std::string got) const {
    throw FormatError({.where = where_, .expected = std::move(expected), .got = std::move(got), .fix = ""});
  }

  void check_operation(const GateRow& row) const try {
    const std::unique_ptr<proof::Case> c = proof::find_operation(row.target).parse(row.shape);
    if (!find_pass(*c, row.step)) fail("a pass of the operation", quoted(row.step));
    const proof::Pass pass = *find_pass(*c, row.step);
    const std::vector<std::string_view> names = c->implementations();
    if (row.yardstick == kPeak && c->flops(pass) > 0.0) return;
    if (std::ranges::count(names, row.yardstick) == 0) {
      fail(fmt::format("fma_peak or one of {}", fmt::join(names, ", ")), quoted(row.yardstick));
    }
    if (const std::string reason = c->prepare(row.yardstick)->declined(pass); !reason.empty()) {
      fail("a yardstick that takes this case", fmt::format("{}, which declines: {}", row.yardstick, reason));
    }
  } catch (const ValueError& error) {
    fail(error.text().expected, error.text().got);
  }

  void check_network(const GateRow& row) const {
    const auto known = [&](const zoo::Entry& entry) { return entry.name == row.target; };
    if (std::ranges::none_of(zoo::entries(), known)) fail("an operation or a network of the zoo", quoted(row.target));
    if (!parse_batch(row.shape)) fail("a batch size", quoted(row.shape));
    if (row.step != "training" && row.step != "inference") fail("training or inference", quoted(row.step));
    if (row.yardstick != kPeak && row.yardstick != kExact && row.yardstick != kApart) {
      fail("fma_peak, exact or apart", quoted(row.yardstick));
    }
  }

  std::string where_;
  int line_;
};

/// The network with something between each convolution or max pooling and what is before it, so that they are computed
/// apart.
Model with_layers_apart(const Model& net) {
  std::vector<Node> made;
  for (const GraphNode& node : net.nodes()) {
    std::vector<Node> inputs;
    for (const std::size_t input : node.inputs) inputs.push_back(made[input]);
    const std::string_view type = node.layer->type();
    if (type == "MaxPool2D" || type == "Conv2D" || type == "DepthwiseConv2D")
      inputs = {Reshape{{.shape = inputs[0].shape()}}(inputs[0])};
    made.emplace_back(node.layer, std::move(inputs));
  }
  return Model(Graph(net.name(), made.front(), made.back()));
}

/// Convolutions planned while it lives are summed as they are defined, or as before.
class ExactScope {
 public:
  explicit ExactScope(bool exact) : before_(kernels::exact_convolutions()) {
    kernels::set_exact_convolutions(exact || before_);
  }
  ~ExactScope() { kernels::set_exact_convolutions(before_); }
  ExactScope(const ExactScope&) = delete;
  ExactScope& operator=(const ExactScope&) = delete;

 private:
  bool before_;
};

/// The least seconds of each, which take turns.
std::vector<double> least_of(const std::vector<std::function<void()>>& runs, int rounds) {
  std::vector<double> least(runs.size(), std::numeric_limits<double>::infinity());
  for (int round = -1; round < rounds; ++round) {  // the first touches all memory
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const double start = proof::thread_seconds();
      runs[i]();
      if (round >= 0) least[i] = std::min(least[i], proof::thread_seconds() - start);
    }
  }
  return least;
}

/// The peak as it is around a measurement: clocks change.
template <class Measure>
double share_of_peak(double flops, Measure&& measure) {
  const double before = proof::measure_fma_peak();
  const double seconds = measure();
  return flops / seconds / 1e9 / std::max(before, proof::measure_fma_peak());
}

GateResult measure_operation(const GateRow& row, int rounds) {
  const std::unique_ptr<proof::Case> c = proof::find_operation(row.target).parse(row.shape);
  const proof::Pass pass = *find_pass(*c, row.step);
  const std::string_view chosen = proof::chosen_implementation(*c, pass);
  GateResult result{.implementation = std::string(chosen)};
  if (row.yardstick == kPeak) {
    result.ratio =
        share_of_peak(c->flops(pass), [&] { return proof::least_seconds(*c, pass, std::array{chosen}, rounds)[0]; });
  } else if (row.yardstick == chosen) {
    result.ratio = 1.0;
  } else {
    const std::array<std::string_view, 2> both = {chosen, row.yardstick};
    const std::vector<double> seconds = proof::least_seconds(*c, pass, both, rounds);
    result.ratio = seconds[1] / seconds[0];
  }
  return result;
}

GateResult measure_network(const GateRow& row, int rounds) {
  const Index batch = *parse_batch(row.shape);
  const std::uint64_t seed = 1;
  const bool trains = row.step == "training";
  Model net = benchmark_network(row.target, seed);
  NetworkSteps steps(net, batch, seed);
  const auto run_of = [trains](NetworkSteps& s) {
    return [&s, trains] { trains ? s.train() : static_cast<void>(s.infer()); };
  };
  if (row.yardstick == kPeak) {
    const NetworkFlops flops = count_flops(net, batch);
    const auto measure = [&] { return least_of({run_of(steps)}, rounds)[0]; };
    return {.ratio = share_of_peak(trains ? flops.training : flops.inference, measure)};
  }
  Model other = row.yardstick == kApart ? with_layers_apart(net) : benchmark_network(row.target, seed);
  run_of(steps)();  // chooses its convolutions
  const ExactScope exact(row.yardstick == kExact);
  NetworkSteps other_steps(other, batch, seed);
  const std::vector<double> seconds = least_of({run_of(steps), run_of(other_steps)}, rounds);
  return {.ratio = seconds[1] / seconds[0]};
}

}  // namespace

std::vector<GateRow> read_gate(const std::filesystem::path& path) {
  std::vector<GateRow> rows;
  for (const TableLine& line : read_table(path)) rows.push_back(RowReader(path, line.number).read(line.words));
  return rows;
}

GateResult measure_gate_row(const GateRow& row, int rounds) {
  const SingleThreadScope alone;
  return proof::is_operation(row.target) ? measure_operation(row, rounds) : measure_network(row, rounds);
}

bool hold_gate_row(const GateRow& row, int rounds, GateResult& result) {
  result = measure_gate_row(row, rounds);
  if (result.ratio >= row.least) return true;
  result = measure_gate_row(row, 4 * rounds);
  result.tried_again = true;
  return result.ratio >= row.least;
}

double gate_margin(const GateRow& row, double ratio) {
  const double least = row.yardstick == kPeak ? 0.3 * ratio : 1.0 + 0.25 * (ratio - 1.0);
  return std::max(0.01, std::floor(100.0 * least) / 100.0);
}

void update_gate(const std::filesystem::path& path, const std::vector<GateRow>& rows) {
  std::istringstream in(read_text_file(path));
  std::string text;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const auto row = std::ranges::find(rows, number, &GateRow::line);
    if (row != rows.end()) {
      const std::size_t comment = line.find('#');
      line = fmt::format("{:<12} {:<42} {:<16} {:<9} {:.2f}{}", row->target, row->shape, row->step, row->yardstick,
                         row->least, comment == std::string::npos ? "" : "  " + line.substr(comment));
    }
    text += line + "\n";
  }
  write_file(path, text);
}

}  // namespace saccade::cli
