#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "saccade/nn/graph.h"

namespace saccade {
namespace {

/// 61706 -> "61,706"
std::string grouped(Index value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

struct Row {
  std::string layer, shape, parameters, multiply_adds, trainable;
};

Row row_of(const Graph& graph, const GraphNode& node, const std::vector<bool>& learns) {
  std::size_t learning = 0, weights = 0;
  Index parameters = 0;
  for (const std::size_t i : node.parameters) {
    const ParameterSpec& parameter = graph.parameters()[i];
    parameters += parameter.shape.elements();
    weights += parameter.role == Parameter::Role::weight ? 1U : 0U;
    learning += learns[i] ? 1U : 0U;
  }
  const std::string_view trainable = weights == 0 ? "" : learning == weights ? "yes" : learning == 0 ? "no" : "partly";
  return {fmt::format("{} ({})", node.name, node.layer->type()), node.shape.to_string(), grouped(parameters),
          grouped(node.layer->multiply_adds(graph.input_shapes(node))), std::string(trainable)};
}

}  // namespace

std::string Graph::summary(const std::vector<bool>& learns) const {
  std::vector<Row> rows;
  for (const GraphNode& node : nodes_) rows.push_back(row_of(*this, node, learns));
  const Row head{"layer (type)", "output shape", "parameters", "multiply-adds", "trainable"};
  std::size_t layer = head.layer.size(), shape = head.shape.size(), numbers = head.multiply_adds.size();
  for (const Row& row : rows) {
    layer = std::max(layer, row.layer.size());
    shape = std::max(shape, row.shape.size());
    numbers = std::max({numbers, row.parameters.size(), row.multiply_adds.size()});
  }
  const auto line = [&](const Row& row) {
    std::string text = fmt::format("{:<{}}  {:<{}}  {:>{}}  {:>{}}  {}", row.layer, layer, row.shape, shape,
                                   row.parameters, numbers, row.multiply_adds, numbers, row.trainable);
    return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  };
  const std::string rule(layer + shape + 2 * numbers + head.trainable.size() + 8, '-');
  std::string text = fmt::format("network \"{}\"\n{}\n{}{}\n", name_, rule, line(head), rule);
  for (const Row& row : rows) text += line(row);
  text += fmt::format("{}\n", rule);
  Index learning = 0;
  for (std::size_t i = 0; i < learns.size(); ++i) learning += learns[i] ? parameters_[i].shape.elements() : 0;
  text += fmt::format("parameters     {} ({} trainable, {} not)\n", grouped(parameter_count()), grouped(learning),
                      grouped(parameter_count() - learning));
  text += fmt::format("multiply-adds  {} an image\n", grouped(multiply_adds()));
  return text;
}

}  // namespace saccade
