#include "saccade/nn/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/nn/view.h"

namespace saccade {
namespace {

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

Model::Model(std::string name, const Node& input, const Node& output) : Model(Graph(std::move(name), input, output)) {}

Model::Model(Graph graph, Weights weights) : graph_(std::move(graph)) {
  for (const ParameterSpec& spec : graph_.parameters()) {
    parameters_.push_back(
        {.name = spec.name, .value = Tensor(spec.shape), .grad = {}, .role = spec.role, .l2 = spec.l2});
  }
  if (weights == Weights::initialized) initialize(0);
}

void Model::initialize(std::uint64_t seed) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    graph_.parameters()[i].initializer.fill(parameter.value.floats(), parameter.value.shape(), seed, parameter.name);
  }
}

Parameter& Model::parameter(std::string_view name) {
  return const_cast<Parameter&>(static_cast<const Model&>(*this).parameter(name));
}

const Parameter& Model::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &Parameter::name);
  if (found != parameters_.end()) return *found;
  throw ValueError({.where = fmt::format("network '{}'", graph_.name()),
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
    throw ValueError({.where = fmt::format("network '{}'", graph_.name()),
                      .expected = "a pattern that matches one of " + list_of(parameters_),
                      .got = fmt::format("'{}'", pattern),
                      .fix = "use '*' for any characters, e.g. conv*"});
  }
  return count;
}

void Model::train_from(std::string_view layer) {
  const std::span<const GraphNode> nodes = graph_.nodes();
  const auto first = std::ranges::find(nodes, layer, &GraphNode::name);
  if (first == nodes.end()) {
    std::string names;
    for (const GraphNode& node : nodes.subspan(1)) names += (names.empty() ? "" : ", ") + node.name;
    throw ValueError({.where = fmt::format("network '{}': layers to train", name()),
                      .expected = "a layer among " + names,
                      .got = fmt::format("'{}'", layer),
                      .fix = "summary() lists the layers"});
  }
  for (auto node = nodes.begin(); node != nodes.end(); ++node) {
    for (const std::size_t i : node->parameters) parameters_[i].trainable = node >= first;
  }
}

std::string Model::train_last(Index count) {
  const std::span<const GraphNode> nodes = graph_.nodes();
  const auto is_weight = [this](std::size_t i) { return parameters_[i].name.ends_with(".weight"); };
  Index weighted = 0;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (std::ranges::none_of(nodes[i].parameters, is_weight)) continue;
    if (++weighted != count) continue;
    train_from(nodes[i].name);
    return nodes[i].name;
  }
  throw ValueError({.where = fmt::format("network '{}': last layers to train", name()),
                    .expected = fmt::format("1 to {}, which is how many have weights", weighted),
                    .got = std::to_string(count),
                    .fix = "BatchNorm and PReLU are not counted: they are trained with the layer before them"});
}

bool Model::ends_in_softmax() const {
  const GraphNode* last = &nodes().back();
  while (last->layer->type() == Flatten::kType || last->layer->type() == Reshape::kType) {
    last = &nodes()[last->inputs.front()];
  }
  return last->layer->activation() == Activation::softmax;
}

Index Model::trainable_count() const noexcept {
  Index count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.learns() ? parameter.value.elements() : 0;
  return count;
}

std::string Model::summary() const {
  std::vector<bool> learns;
  for (const Parameter& parameter : parameters_) learns.push_back(parameter.learns());
  return graph_.summary(learns);
}

}  // namespace saccade
