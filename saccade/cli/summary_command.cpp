#include "saccade/cli/summary_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <ostream>

#include "saccade/base/error.h"
#include "saccade/base/printable.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/network_benchmark.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/nn/plan.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

struct SummaryRequest {
  std::string network;
  std::string input;
  std::optional<Index> classes;
  std::optional<Index> batch_size;
  bool explain = false;
  bool exact = false;
  bool json = false;
};

Graph make_graph(const SummaryRequest& request) {
  if (is_network_path(request.network)) return load_network(request.network).graph();
  const zoo::Entry& entry = zoo::find_entry(request.network);
  return entry.graph(request.input.empty() ? entry.image : parse_shape(request.input, "summary: --input"),
                     request.classes.value_or(entry.classes));
}

std::string to_json(const Graph& net) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const GraphNode& node : net.nodes()) {
    Index parameters = 0;
    for (const std::size_t i : node.parameters) parameters += net.parameters()[i].shape.elements();
    const std::span<const Index> extents = node.shape.extents();
    layers.push_back({{"name", node.name},
                      {"type", node.layer->type()},
                      {"output_shape", std::vector<Index>(extents.begin(), extents.end())},
                      {"parameters", parameters},
                      {"multiply_adds", node.layer->multiply_adds(net.input_shapes(node))}});
  }
  const nlohmann::ordered_json summary{{"name", net.name()},
                                       {"parameters", net.parameter_count()},
                                       {"trainable", net.trainable_count()},
                                       {"multiply_adds", net.multiply_adds()},
                                       {"layers", layers}};
  return summary.dump(2) + "\n";
}

void summarize(const SummaryRequest& request, Console& console) {
  const Graph net = make_graph(request);
  console.out << (request.json ? to_json(net) : printable_lines(net.summary()));  // names of a file
  if (!request.explain) return;
  kernels::set_exact_convolutions(request.exact);
  Model model(net, Model::Weights::zeros);
  const Index batch_size = request.batch_size.value_or(usual_batch(net.input_shape()));
  const Plan plan(model, batch_size, PlanMode::training);
  // Those that learn have a gradient and Adam's two moments.
  const Index parameter_bytes = (net.parameter_count() + 3 * net.trainable_count()) * isize(sizeof(float));
  console.out << fmt::format(
      "\nimplementations for training with batches of {} ({} of memory: activations and scratch {}, weights, gradients "
      "and Adam's moments {})\n{}",
      batch_size, format_bytes(plan.arena_bytes() + parameter_bytes), format_bytes(plan.arena_bytes()),
      format_bytes(parameter_bytes), printable_lines(plan.explain()));
}

}  // namespace

void add_summary_command(const Command& program, Console& console) {
  const auto request = std::make_shared<SummaryRequest>();
  const Command command = program.add_command("summary", "Show a network's layers, shapes and sizes");
  std::string zoo = "a .safetensors, .onnx, .keras or .h5 file, a run folder, or one of the zoo:";
  for (const zoo::Entry& entry : zoo::entries()) zoo += fmt::format("\n{} ({})", entry.name, entry.summary);
  command.add("NETWORK", request->network, zoo).required();
  command
      .add("--input", request->input,
           "image shape for a network of the zoo [what it was made for: 28x28x1, 32x32x3 or 224x224x3]")
      .type("HxWxC");
  command.add("--classes", request->classes, "outputs of a network of the zoo [10; for 224x224x3 1000]");
  command.add("--batch-size", request->batch_size, "images a step, for --explain [by their size: 128, 64 or 16]", 1);
  command.add("--explain", request->explain,
              "which implementation computes each layer, why not a faster one, and the memory of training");
  command.add("--exact", request->exact, kExactHelp);
  command.add("--json", request->json, "print as JSON");
  command.footer(
      "Examples:\n"
      "  saccade summary lenet5\n"
      "  saccade summary resnet18\n"
      "  saccade summary vgg_small --input 64x64x3 --classes 5 --explain\n"
      "  saccade summary runs/lenet5-mnist --json");
  command.action([request, &console] { summarize(*request, console); });
}

}  // namespace saccade::cli
