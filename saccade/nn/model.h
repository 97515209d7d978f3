#pragma once
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/nn/input.h"
#include "saccade/nn/layer.h"
#include "saccade/tensor/preprocessing.h"

namespace saccade {

/// A network: a graph of layers with one input and one output, and its parameters by name. A value: copies are deep.
/// Plans point to the model they were compiled for, which must outlive them and not be moved or assigned meanwhile.
class Model {
 public:
  struct GraphNode {
    std::string name;  ///< As given, or "conv2d", "conv2d_1", ...: unique in the network.
    std::shared_ptr<const Layer> layer;
    std::vector<std::size_t> inputs;      ///< Positions in nodes(), all smaller than this node's.
    Shape shape;                          ///< Of one output image.
    std::vector<std::size_t> parameters;  ///< Positions in parameters().
  };

  /// The graph that leads from `input` to `output`; parameters are initialised with seed 0. Throws ValueError when the
  /// output does not depend on the input, or on another Input as well, or two layers share a name.
  Model(std::string name, const Node& input, const Node& output);

  const std::string& name() const noexcept { return name_; }
  /// In an order in which every node follows its inputs; the first is the Input, the last the output.
  std::span<const GraphNode> nodes() const noexcept { return nodes_; }
  const Shape& input_shape() const noexcept { return nodes_.front().shape; }
  const Shape& output_shape() const noexcept { return nodes_.back().shape; }

  std::span<Parameter> parameters() noexcept { return parameters_; }
  std::span<const Parameter> parameters() const noexcept { return parameters_; }
  /// By full name, e.g. "conv2d.weight". Throws ValueError with the nearest names.
  Parameter& parameter(std::string_view name);
  const Parameter& parameter(std::string_view name) const;

  /// Draws every parameter anew from its initialiser; each depends on the seed and its own name only.
  void initialize(std::uint64_t seed);

  /// Stops (or resumes) training of every parameter whose name matches the pattern: '*' stands for any characters and
  /// '?' for one;
  /// a layer's name means all its parameters. Returns how many matched; throws ValueError when none does. Recompile
  /// plans afterwards.
  Index freeze(std::string_view pattern) { return set_trainable(pattern, false); }
  Index unfreeze(std::string_view pattern) { return set_trainable(pattern, true); }

  /// Table of layers: output shape, parameters, multiply-adds of one image, trainable or not; then totals.
  std::string summary() const;
  Index parameter_count() const noexcept;  ///< Numbers, states included.
  Index trainable_count() const noexcept;  ///< Numbers that an optimiser would change.
  Index multiply_adds() const;             ///< Of one image.

  /// Whether the last layer's activation is softmax, so that outputs are probabilities.
  bool ends_in_softmax() const;

  /// Writes the network as one safetensors file, whole or not at all. Defined by saccade/io, which knows the format.
  void save(const std::filesystem::path& path) const;

  Preprocessing preprocessing;           ///< How 8-bit pixels become this network's input.
  std::vector<std::string> class_names;  ///< One an output, or empty.

 private:
  Index set_trainable(std::string_view pattern, bool trainable);

  std::string name_;
  std::vector<GraphNode> nodes_;
  std::vector<Parameter> parameters_;
};

/// A chain: an Input, then layers that each take the output of the one before. Throws as Model and the layers do.
Model Sequential(std::string name, std::initializer_list<AnyLayer> layers);
Model Sequential(std::string name, std::span<const AnyLayer> layers);

}  // namespace saccade
