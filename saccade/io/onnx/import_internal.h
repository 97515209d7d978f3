#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "saccade/io/onnx/arguments_internal.h"
#include "saccade/nn/model.h"

namespace saccade::internal {

/// A tensor of the ONNX graph that depends on the image. ONNX counts axes as [batch, channels, height, width]; the network
/// keeps images as [height, width, channels], channels innermost, whatever the number of axes between.
struct Edge {
  Node node;
  std::vector<Index> dims;  ///< ONNX's. The first is the batch, which every layer must leave as it is.
  /// Of a flattened image: the dims [channels, height, ...] in whose order ONNX counts its numbers, while the network has
  /// them channels innermost. Empty where both agree. Dense layers that follow permute their weights.
  std::vector<Index> flattened{};

  /// The extents of an image whose ONNX dims, without the batch, are these.
  static Shape image_shape(std::span<const Index> dims);
};

using OnnxValue = std::variant<Constant, Edge>;

/// What turns the nodes of one graph into layers: the values computed so far, and the weights of the layers.
class Importer {
 public:
  /// `bound` gives graph inputs that are known: ONNX's test cases have their weights as inputs.
  Importer(OnnxGraph graph, std::map<std::string, Constant> bound);
  /// `as_row`: an output [batch, classes, 1, 1] becomes [batch, classes].
  Model run(bool as_row = false);

  // What operators use.
  /// The weights that the layer of that name will start from, by the parameter's name ("weight"). Throws FormatError for
  /// more than allowance().
  void set_weight(const std::string& layer, const std::string& parameter, Tensor value);
  /// A name for the node's layer: the node's own where the network allows it.
  std::string layer_name(const OnnxNode& node);
  /// Whether the layer that makes this tensor may be altered for the sake of its only reader.
  bool has_one_reader(const std::string& tensor) const;
  /// How many numbers more weights and constants may have: a small file cannot ask for more than it is worth.
  Index allowance() const noexcept { return allowance_; }
  bool opset_at_least(Index version) const noexcept { return graph_.opset >= version; }

 private:
  void bind_inputs();
  void import_node(const OnnxNode& node);
  void set_value(const OnnxNode& node, OnnxValue result);
  void spend(const std::string& where, Index elements);
  Model finish(bool as_row);

  OnnxGraph graph_;
  std::map<std::string, Constant> bound_;
  std::map<std::string, OnnxValue> values_;
  std::map<std::string, int> readers_;
  std::map<std::string, std::map<std::string, Tensor>> weights_;  ///< By layer, then parameter.
  std::set<std::string> names_;
  Index allowance_ = 0;
  std::optional<Node> input_;
};

/// One node about to become layers.
class NodeImport {
 public:
  NodeImport(Importer& importer, const OnnxNode& node, const std::map<std::string, OnnxValue>& values);

  const OnnxNode& node() const noexcept { return node_; }
  const Arguments& arguments() const noexcept { return arguments_; }
  Importer& importer() const noexcept { return importer_; }
  /// Input i, which must depend on the image. Throws FormatError otherwise.
  const Edge& edge(std::size_t i) const;
  bool is_edge(std::size_t i) const;
  /// edge(0), which must be [batch, channels, height, width].
  const Edge& image() const;
  /// A layer's own name.
  std::string name() const { return importer_.layer_name(node_); }

 private:
  Importer& importer_;
  const OnnxNode& node_;
  std::vector<const Constant*> constants_;
  std::vector<const Edge*> edges_;
  Arguments arguments_;
};

/// An ONNX operator that can become layers.
struct OnnxOperator {
  std::string_view name;
  Edge (*import)(const NodeImport& node);
};

/// Those that have windows over the image; arithmetic and what moves axes; activations.
std::span<const OnnxOperator> window_operators();
std::span<const OnnxOperator> dense_operators();
std::span<const OnnxOperator> axis_operators();
std::span<const OnnxOperator> activation_operators();

}  // namespace saccade::internal
