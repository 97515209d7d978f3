#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "saccade/nn/model.h"

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

std::string trainable_word(const Model& model, const Model::GraphNode& node) {
  std::size_t learning = 0, weights = 0;
  for (const std::size_t i : node.parameters) {
    const Parameter& parameter = model.parameters()[i];
    weights += parameter.role == Parameter::Role::weight ? 1U : 0U;
    learning += parameter.learns() ? 1U : 0U;
  }
  if (weights == 0) return "";
  return learning == weights ? "yes" : learning == 0 ? "no" : "partly";
}

Row row_of(const Model& model, const Model::GraphNode& node) {
  std::vector<Shape> src;
  for (const std::size_t i : node.inputs) src.push_back(model.nodes()[i].shape);
  Index parameters = 0;
  for (const std::size_t i : node.parameters) parameters += model.parameters()[i].value.elements();
  return {fmt::format("{} ({})", node.name, node.layer->type()), node.shape.to_string(), grouped(parameters),
          grouped(node.layer->multiply_adds(src)), trainable_word(model, node)};
}

}  // namespace

std::string Model::summary() const {
  std::vector<Row> rows;
  for (const GraphNode& node : nodes_) rows.push_back(row_of(*this, node));
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
  text += fmt::format("parameters     {} ({} trainable, {} not)\n", grouped(parameter_count()),
                      grouped(trainable_count()), grouped(parameter_count() - trainable_count()));
  text += fmt::format("multiply-adds  {} an image\n", grouped(multiply_adds()));
  return text;
}

}  // namespace saccade
