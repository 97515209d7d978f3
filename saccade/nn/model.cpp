#include "saccade/nn/model.h"

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

bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (matches(pattern.substr(1), text.substr(skip))) return true;
    }
    return false;
  }
  if (text.empty() || (pattern.front() != '?' && pattern.front() != text.front())) return false;
  return matches(pattern.substr(1), text.substr(1));
}

std::string list_of(std::span<const Parameter> parameters) {
  std::string list;
  for (const Parameter& parameter : parameters) list += fmt::format("{}{}", list.empty() ? "" : ", ", parameter.name);
  return list;
}

}  // namespace

Model::Model(std::string name, const Node& input, const Node& output) : name_(std::move(name)) {
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
      parameters_.push_back({.name = graph_node.name + "." + spec.name,
                             .value = Tensor(spec.shape),
                             .grad = {},
                             .role = spec.role,
                             .l2 = spec.l2});
    }
    position[node.identity()] = nodes_.size();
    nodes_.push_back(std::move(graph_node));
  }
  initialize(0);
}

void Model::initialize(std::uint64_t seed) {
  for (const GraphNode& node : nodes_) {
    std::vector<Shape> src;
    for (const std::size_t i : node.inputs) src.push_back(nodes_[i].shape);
    const std::vector<ParameterSpec> specs = node.layer->parameters(src);
    for (std::size_t i = 0; i < specs.size(); ++i) {
      Parameter& parameter = parameters_[node.parameters[i]];
      specs[i].initializer.fill(parameter.value.floats(), parameter.value.shape(), seed, parameter.name);
    }
  }
}

Parameter& Model::parameter(std::string_view name) {
  return const_cast<Parameter&>(static_cast<const Model&>(*this).parameter(name));
}

const Parameter& Model::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &Parameter::name);
  if (found != parameters_.end()) return *found;
  throw ValueError({.where = fmt::format("network '{}'", name_),
                    .expected = "a parameter among " + list_of(parameters_),
                    .got = fmt::format("'{}'", name),
                    .fix = "summary() lists the layers"});
}

Index Model::set_trainable(std::string_view pattern, bool trainable) {
  Index count = 0;
  for (Parameter& parameter : parameters_) {
    const std::string_view layer = std::string_view(parameter.name).substr(0, parameter.name.rfind('.'));
    if (!matches(pattern, parameter.name) && !matches(pattern, layer)) continue;
    parameter.trainable = trainable;
    ++count;
  }
  if (count == 0) {
    throw ValueError({.where = fmt::format("network '{}'", name_),
                      .expected = "a pattern that matches one of " + list_of(parameters_),
                      .got = fmt::format("'{}'", pattern),
                      .fix = "use '*' for any characters, e.g. conv*"});
  }
  return count;
}

bool Model::ends_in_softmax() const { return nodes_.back().layer->activation() == Activation::softmax; }

Index Model::parameter_count() const noexcept {
  Index count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.value.elements();
  return count;
}

Index Model::trainable_count() const noexcept {
  Index count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.learns() ? parameter.value.elements() : 0;
  return count;
}

Index Model::multiply_adds() const {
  Index count = 0;
  for (const GraphNode& node : nodes_) {
    std::vector<Shape> src;
    for (const std::size_t i : node.inputs) src.push_back(nodes_[i].shape);
    count += node.layer->multiply_adds(src);
  }
  return count;
}

Model Sequential(std::string name, std::initializer_list<AnyLayer> layers) {
  return Sequential(std::move(name), std::span<const AnyLayer>(layers.begin(), layers.size()));
}

Model Sequential(std::string name, std::span<const AnyLayer> layers) {
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
