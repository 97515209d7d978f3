#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "saccade/io/onnx/arguments_internal.h"
#include "saccade/io/onnx/edge_internal.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/model.h"

namespace saccade::internal {

using OnnxValue = std::variant<Constant, Edge>;

/// What is imported of a file, and how.
struct OnnxRequest {
  /// Graph inputs that are known: ONNX's test cases have their weights as inputs.
  std::map<std::string, Constant> bound{};
  /// Which of the graph's outputs; the only one, or the first, where it is empty.
  std::string output{};
  /// An output [batch, classes, 1, 1] becomes [batch, classes].
  bool as_row = false;
};

/// The network, and how ONNX counts the axes of its input and output (Edge::order).
struct ImportedNetwork {
  Model model;
  bool batched = true;
  std::vector<Index> input_order, output_order;
  std::vector<Index> output_dims;
};

/// Imports the network of an .onnx file: with its batch, or, where an operator works along that axis too, the graph as a
/// whole. Throws FormatError; what stands in the way of the first is what it tells.
ImportedNetwork import_onnx(std::span<const std::byte> bytes, const std::string& file, const OnnxRequest& request = {});

/// What turns the nodes of one graph into layers: the values computed so far, and the weights of the layers.
class Importer {
 public:
  Importer(OnnxGraph graph, const OnnxRequest& request, bool batched);
  ImportedNetwork run();

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
  bool batched() const noexcept { return batched_; }

 private:
  void bind_inputs();
  void import_node(const OnnxNode& node);
  void set_value(const OnnxNode& node, const std::string& output, OnnxValue result);
  void spend(const std::string& where, Index elements);
  Edge input_edge(const OnnxValueInfo& value) const;
  bool has_channels_last(const std::string& input) const;
  ImportedNetwork finish();

  OnnxGraph graph_;
  const OnnxRequest& request_;
  bool batched_;
  bool channels_last_ = false;  ///< The file has its images as [batch, height, width, channels].
  std::map<std::string, OnnxValue> values_;
  std::map<std::string, int> readers_;
  std::map<std::string, std::map<std::string, Tensor>> weights_;  ///< By layer, then parameter.
  std::set<std::string> names_;
  Index allowance_ = 0;
  std::optional<Edge> input_;
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
  /// A layer's own name.
  std::string name() const { return importer_.layer_name(node_); }

 private:
  Importer& importer_;
  const OnnxNode& node_;
  std::vector<const Constant*> constants_;
  std::vector<const Edge*> edges_;
  Arguments arguments_;
};

/// An edge as layers want images: [height, width, channels] for one image. Rows of pixels, [batch, channels, width],
/// are images of height 1.
class ImageEdge {
 public:
  /// Input 0 of the node, which must be such a tensor. Throws FormatError.
  explicit ImageEdge(const NodeImport& n);
  const Node& node() const noexcept { return node_; }
  Index channels() const { return node_.shape()[2]; }
  Index height() const { return node_.shape()[0]; }
  Index width() const { return node_.shape()[1]; }
  bool is_row() const noexcept { return edge_.rank() == 3; }
  /// What a layer made of the image, another image, as an edge.
  Edge made(const Node& image) const;

 private:
  Edge edge_;
  Node node_;
};

/// The layer of that kind that makes the edge, where the edge's layer is one, nobody else reads it and `fits` it; rebuilt
/// with what `change` does to its options.
template <class L, class Fits, class Change>
std::optional<Edge> rebuilt(const NodeImport& n, std::size_t input, Fits fits, Change change) {
  const Edge& edge = n.edge(input);
  const Node& made = edge.viewed ? edge.node.inputs()[0] : edge.node;
  const auto* layer = dynamic_cast<const L*>(&made.layer());
  if (!layer || !fits(layer->options()) || !n.importer().has_one_reader(n.node().inputs[input])) return std::nullopt;
  auto options = layer->options();
  change(options);
  Node other = L(options)(made.inputs()[0]);
  if (edge.viewed) other = Node(edge.node.shared_layer(), {other});
  Edge result = edge.made_by(std::move(other));
  result.viewed = edge.viewed;
  return result;
}

/// x kind y, ONNX's broadcasting: of two edges, and of an edge and a constant, whichever comes first.
Edge combined(const NodeImport& n, ArithmeticKind kind, const Edge& a, const Edge& b);
Edge combined(const NodeImport& n, ArithmeticKind kind, const Edge& x, const Constant& constant, bool constant_first);

/// An ONNX operator that can become layers: one that makes one tensor, or one that makes several.
struct OnnxOperator {
  std::string_view name;
  Edge (*import)(const NodeImport& node) = nullptr;
  std::vector<Edge> (*import_all)(const NodeImport& node) = nullptr;
};

/// Those that have windows over the image; products; element by element; what moves, takes or joins axes; other sizes;
/// activations.
std::span<const OnnxOperator> window_operators();
std::span<const OnnxOperator> dense_operators();
std::span<const OnnxOperator> arithmetic_operators();
std::span<const OnnxOperator> axis_operators();
std::span<const OnnxOperator> resize_operators();
std::span<const OnnxOperator> activation_operators();

}  // namespace saccade::internal
