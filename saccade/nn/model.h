#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/nn/graph.h"
#include "saccade/tensor/preprocessing.h"

namespace saccade {

/// A network: a graph of layers with one input and one output, and its parameters by name. A value: copies are deep.
/// Plans point to the model they were compiled for, which must outlive them and not be moved or assigned meanwhile.
class Model {
 public:
  using GraphNode = saccade::GraphNode;

  /// What the parameters hold at first.
  enum class Weights : std::uint8_t {
    initialized,  ///< Drawn with seed 0.
    zeros,        ///< For whoever fills them next: drawing many millions takes its time.
  };

  Model(std::string name, const Node& input, const Node& output);  ///< Throws as Graph does.
  Model(Graph graph, Weights weights = Weights::initialized);      // NOLINT: a graph may stand where a model is wanted

  const Graph& graph() const noexcept { return graph_; }
  const std::string& name() const noexcept { return graph_.name(); }
  /// In an order in which every node follows its inputs; the first is the Input, the last the output.
  std::span<const GraphNode> nodes() const noexcept { return graph_.nodes(); }
  const Shape& input_shape() const noexcept { return graph_.input_shape(); }
  const Shape& output_shape() const noexcept { return graph_.output_shape(); }

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

  /// Freezes what stands before the layer of that name, in the order of summary(), and lets the rest learn. Throws
  /// ValueError with the names that exist. Recompile plans afterwards.
  void train_from(std::string_view layer);
  /// train_from() the layer from which on `count` layers have weights; batch normalisation and PReLU are not counted, they
  /// belong to the layer before them. Returns that layer's name. Throws ValueError when there are not so many, or for less than 1.
  std::string train_last(Index count);

  /// Table of layers: output shape, parameters, multiply-adds of one image, trainable or not; then totals.
  std::string summary() const;
  Index parameter_count() const noexcept { return graph_.parameter_count(); }  ///< Numbers, states included.
  Index trainable_count() const noexcept;                         ///< Numbers that an optimiser would change.
  Index multiply_adds() const { return graph_.multiply_adds(); }  ///< Of one image.

  /// Whether the activation of the last layer that computes anything is softmax, so that outputs are probabilities.
  bool ends_in_softmax() const;

  /// Writes the network as one safetensors file, whole or not at all. Defined by saccade/io, which knows the format.
  void save(const std::filesystem::path& path) const;

  Preprocessing preprocessing;           ///< How 8-bit pixels become this network's input.
  std::vector<std::string> class_names;  ///< One an output, or empty.

 private:
  Index set_trainable(std::string_view pattern, bool trainable);

  Graph graph_;
  std::vector<Parameter> parameters_;
};

}  // namespace saccade
