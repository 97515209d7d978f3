#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "saccade/nn/input.h"
#include "saccade/nn/layer.h"

namespace saccade {

struct GraphNode {
  std::string name;  ///< As given, or "conv2d", "conv2d_1", ...: unique in the network.
  std::shared_ptr<const Layer> layer;
  std::vector<std::size_t> inputs;      ///< Positions in nodes(), all smaller than this node's.
  Shape shape;                          ///< Of one output image.
  std::vector<std::size_t> parameters;  ///< Positions in parameters().
};

/// A network without its weights: a graph of layers with one input and one output. Cheap, however many weights the
/// network will have; a Model is made from it where one is asked for.
class Graph {
 public:
  /// The graph that leads from `input` to `output`. Throws ValueError when the output does not depend on the input, or on
  /// another Input as well, or two layers share a name.
  Graph(std::string name, const Node& input, const Node& output);

  const std::string& name() const noexcept { return name_; }
  /// In an order in which every node follows its inputs; the first is the Input, the last the output.
  std::span<const GraphNode> nodes() const noexcept { return nodes_; }
  /// Under their full names, "conv2d.weight".
  std::span<const ParameterSpec> parameters() const noexcept { return parameters_; }
  const Shape& input_shape() const noexcept { return nodes_.front().shape; }
  const Shape& output_shape() const noexcept { return nodes_.back().shape; }
  std::vector<Shape> input_shapes(const GraphNode& node) const;

  /// Table of layers: output shape, parameters, multiply-adds of one image, trainable or not; then totals.
  std::string summary() const;
  /// The same, where learns[i] says whether parameter i does.
  std::string summary(const std::vector<bool>& learns) const;
  Index parameter_count() const noexcept;  ///< Numbers, states included.
  Index trainable_count() const noexcept;  ///< Numbers that an optimiser would change when nothing is frozen.
  Index multiply_adds() const;             ///< Of one image.

 private:
  std::string name_;
  std::vector<GraphNode> nodes_;
  std::vector<ParameterSpec> parameters_;
};

/// A chain: an Input, then layers that each take the output of the one before. Throws as Graph and the layers do.
/// `Model net = Sequential("mlp", {Input{{28, 28, 1}}, Flatten{}, Dense{{.units = 10}}});`
Graph Sequential(std::string name, std::initializer_list<AnyLayer> layers);
Graph Sequential(std::string name, std::span<const AnyLayer> layers);

}  // namespace saccade
