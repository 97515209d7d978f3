#include "saccade/nn/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "saccade/base/error.h"

namespace saccade {
namespace {

/// The nodes below `output`, each after its inputs. Iterative, so that deep networks do not exhaust the stack.
std::vector<Node> topological_order(const Node& output) {
  std::vector<Node> order;
  std::set<const void*> done;
  struct Visit {
    Node node;
    std::size_t next_input = 0;
  };
  std::vector<Visit> stack{{output}};
  while (!stack.empty()) {
    Visit& visit = stack.back();
    if (visit.next_input < visit.node.inputs().size()) {
      const Node child = visit.node.inputs()[visit.next_input++];
      if (!done.contains(child.identity())) stack.push_back({child});
      continue;
    }
    if (done.insert(visit.node.identity()).second) order.push_back(visit.node);
    stack.pop_back();
  }
  return order;
}

/// Gives every layer its own name or the next free automatic one.
class Namer {
 public:
  void reserve(const Layer& layer) {
    if (layer.name().empty()) return;
    if (layer.name().find('.') != std::string::npos || layer.name().find('*') != std::string::npos) {
      throw ValueError({.where = fmt::format("layer name '{}'", layer.name()),
                        .expected = "a name without '.' and '*'",
                        .got = layer.name(),
                        .fix = "use '_' or '/'"});
    }
    if (!taken_.insert(layer.name()).second) {
      throw ValueError({.where = fmt::format("layer name '{}'", layer.name()),
                        .expected = "a name of its own for every layer",
                        .got = "two layers of that name",
                        .fix = "rename one, or leave .name out"});
    }
  }

  std::string name(const Layer& layer) {
    if (!layer.name().empty()) return layer.name();
    const std::string stem = snake_case(layer.type());
    std::string candidate;
    do {
      const int number = count_[stem]++;
      candidate = number == 0 ? stem : fmt::format("{}_{}", stem, number);
    } while (!taken_.insert(candidate).second);
    return candidate;
  }

 private:
  std::set<std::string> taken_;
  std::map<std::string, int> count_;
};

}  // namespace

Graph::Graph(std::string name, const Node& input, const Node& output) : name_(std::move(name)) {
  const std::vector<Node> order = topological_order(output);
  const auto is_input = [](const Node& node) { return node.inputs().empty(); };
  if (std::ranges::count_if(order, is_input) != 1 || !(*std::ranges::find_if(order, is_input) == input)) {
    throw ValueError({.where = fmt::format("network '{}'", name_),
                      .expected = "an output that depends on the given input and on no other",
                      .got = fmt::format("{} inputs below the output", std::ranges::count_if(order, is_input)),
                      .fix = "build every layer from the node that input() returned"});
  }
  Namer namer;
  for (const Node& node : order) namer.reserve(node.layer());
  std::unordered_map<const void*, std::size_t> position;
  for (const Node& node : order) {
    GraphNode graph_node{.name = namer.name(node.layer()),
                         .layer = node.shared_layer(),
                         .inputs = {},
                         .shape = node.shape(),
                         .parameters = {}};
    std::vector<Shape> src;
    for (const Node& child : node.inputs()) {
      graph_node.inputs.push_back(position.at(child.identity()));
      src.push_back(child.shape());
    }
    for (ParameterSpec& spec : graph_node.layer->parameters(src)) {
      graph_node.parameters.push_back(parameters_.size());
      spec.name = graph_node.name + "." + spec.name;
      parameters_.push_back(std::move(spec));
    }
    position[node.identity()] = nodes_.size();
    nodes_.push_back(std::move(graph_node));
  }
}

std::vector<Shape> Graph::input_shapes(const GraphNode& node) const {
  std::vector<Shape> shapes;
  for (const std::size_t i : node.inputs) shapes.push_back(nodes_[i].shape);
  return shapes;
}

Index Graph::parameter_count() const noexcept {
  Index count = 0;
  for (const ParameterSpec& parameter : parameters_) count += parameter.shape.elements();
  return count;
}

Index Graph::trainable_count() const noexcept {
  Index count = 0;
  for (const ParameterSpec& parameter : parameters_) {
    if (parameter.role == Parameter::Role::weight) count += parameter.shape.elements();
  }
  return count;
}

Index Graph::multiply_adds() const {
  Index count = 0;
  for (const GraphNode& node : nodes_) count += node.layer->multiply_adds(input_shapes(node));
  return count;
}

std::string Graph::summary() const {
  std::vector<bool> learns;
  for (const ParameterSpec& parameter : parameters_) learns.push_back(parameter.role == Parameter::Role::weight);
  return summary(learns);
}

Graph Sequential(std::string name, std::initializer_list<AnyLayer> layers) {
  return Sequential(std::move(name), std::span<const AnyLayer>(layers.begin(), layers.size()));
}

Graph Sequential(std::string name, std::span<const AnyLayer> layers) {
  if (layers.empty() || layers.front().get()->input_count() != std::pair{0, 0}) {
    throw ValueError({.where = fmt::format("network '{}'", name),
                      .expected = "an Input as the first layer",
                      .got = layers.empty() ? "no layers" : snake_case(layers.front().get()->type()),
                      .fix = "begin with Input{{height, width, channels}}"});
  }
  const Node first(layers.front().get(), {});
  Node last = first;
  for (const AnyLayer& layer : layers.subspan(1)) last = Node(layer.get(), {last});
  return {std::move(name), first, last};
}

}  // namespace saccade
