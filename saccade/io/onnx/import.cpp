#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/io/onnx/fold_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/nn/input.h"
#include "saccade/nn/view.h"

namespace saccade::internal {
namespace {

/// Stands for a batch of any size in the arithmetic of shapes: no extent of an image is likely to be taken for it.
constexpr Index kAnyBatch = 7919;

const OnnxOperator* find_operator(std::string_view name) {
  for (const auto operators : {window_operators(), dense_operators(), axis_operators(), activation_operators()}) {
    const auto found = std::ranges::find(operators, name, &OnnxOperator::name);
    if (found != operators.end()) return &*found;
  }
  return nullptr;
}

std::string operator_names() {
  std::vector<std::string_view> names;
  for (const auto operators : {window_operators(), dense_operators(), axis_operators(), activation_operators()}) {
    for (const OnnxOperator& op : operators) names.push_back(op.name);
  }
  std::ranges::sort(names);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Larger tensors than any network has are refused, so that no arithmetic on their extents overflows.
void check_size(const std::string& where, const Edge& edge) {
  constexpr int kNumberBits = 40, kBatchBits = 20;
  if (edge.node.shape().elements() <= Index{1} << kNumberBits && edge.dims.front() <= Index{1} << kBatchBits) return;
  throw FormatError(
      {.where = where,
       .expected = fmt::format("at most 2^{} images of at most 2^{} numbers each", kBatchBits, kNumberBits),
       .got = dims_text(edge.dims),
       .fix = "export the network for smaller images"});
}

/// How many numbers the constants of an import may have in all: each that the file holds may go through several steps.
Index total_allowance(const OnnxGraph& graph) {
  constexpr Index kSteps = 8, kAtLeast = 1 << 24;
  Index held = 0;
  for (const auto& [name, constant] : graph.initializers) held += constant.elements();
  for (const OnnxNode& node : graph.nodes) {
    for (const auto& [name, attribute] : node.attributes) {
      if (const Constant* constant = std::get_if<Constant>(&attribute)) held += constant->elements();
    }
  }
  return kAtLeast + kSteps * held;
}

/// For each input of the node its value, or null where it is of the other kind or left out.
template <class Kind>
std::vector<const Kind*> inputs_of_kind(const OnnxNode& node, const std::map<std::string, OnnxValue>& values) {
  std::vector<const Kind*> result;
  for (const std::string& input : node.inputs) {
    const auto found = values.find(input);
    if (!input.empty() && found == values.end()) {
      throw FormatError({.where = node.where(),
                         .expected = "inputs that an earlier node computes",
                         .got = quote(input),
                         .fix = "the file is damaged; export the network again"});
    }
    result.push_back(input.empty() ? nullptr : std::get_if<Kind>(&found->second));
  }
  return result;
}

}  // namespace

Shape Edge::image_shape(std::span<const Index> dims) {
  if (dims.empty()) return {};
  std::vector<Index> extents(dims.begin() + 1, dims.end());
  extents.push_back(dims.front());
  return Shape(extents);
}

Importer::Importer(OnnxGraph graph, std::map<std::string, Constant> bound)
    : graph_(std::move(graph)), bound_(std::move(bound)) {
  for (const OnnxNode& node : graph_.nodes) {
    for (const std::string& input : node.inputs) ++readers_[input];
  }
  for (const OnnxValueInfo& output : graph_.outputs) ++readers_[output.name];
  allowance_ = total_allowance(graph_);
}

Model Importer::run(bool as_row) {
  bind_inputs();
  for (const OnnxNode& node : graph_.nodes) import_node(node);
  return finish(as_row);
}

void Importer::bind_inputs() {
  for (auto& [name, constant] : graph_.initializers) values_.insert_or_assign(name, std::move(constant));
  std::vector<std::string> images;
  for (const OnnxValueInfo& value : graph_.inputs) {
    if (const auto known = bound_.find(value.name); known != bound_.end()) {
      values_.insert_or_assign(value.name, known->second);
      continue;
    }
    images.push_back(quote(value.name));
    const bool is_whole = value.dims.size() >= 2 &&
                          std::ranges::all_of(std::span(value.dims).subspan(1), [](Index dim) { return dim > 0; });
    if (!is_whole) {
      throw FormatError({.where = fmt::format("{}: input {}", graph_.file, quote(value.name)),
                         .expected = "[batch, channels, height, width], all but the batch given as numbers",
                         .got = dims_text(value.dims),
                         .fix = "export the network with a fixed image size"});
    }
    std::vector<Index> dims = value.dims;
    if (dims.front() < 1) dims.front() = kAnyBatch;
    input_ = input(Edge::image_shape(std::span(dims).subspan(1)));
    Edge image{*input_, std::move(dims)};
    check_size(fmt::format("{}: input {}", graph_.file, quote(value.name)), image);
    values_.insert_or_assign(value.name, std::move(image));
  }
  if (images.size() != 1 || graph_.outputs.size() != 1) {
    throw FormatError({.where = graph_.file,
                       .expected = "one input, the images, and one output",
                       .got = fmt::format("{} inputs ({}) and {} outputs", images.size(), fmt::join(images, ", "),
                                          graph_.outputs.size()),
                       .fix = "export the classifier alone"});
  }
}

void Importer::import_node(const OnnxNode& node) {
  const NodeImport import(*this, node, values_);
  OnnxValue result = [&]() -> OnnxValue {
    if (std::optional<Constant> constant = fold(import.arguments())) return std::move(*constant);
    // The shape of an image is known, whatever its pixels are.
    if (node.op == "Shape") return Constant::list(import.edge(0).dims);
    const OnnxOperator* op = find_operator(node.op);
    if (!op) {
      throw FormatError({.where = node.where(),
                         .expected = "an operator of image classifiers: " + operator_names(),
                         .got = node.op,
                         .fix = "see docs/onnx.md for what can be imported"});
    }
    return op->import(import);
  }();
  node.check_all_asked();
  if (node.outputs.empty()) return;
  for (std::size_t i = 1; i < node.outputs.size(); ++i) {
    if (readers_.contains(node.outputs[i])) {
      throw FormatError({.where = node.where(),
                         .expected = "a node of which the first output is used",
                         .got = "a reader of " + quote(node.outputs[i]),
                         .fix = "export the network for inference"});
    }
  }
  set_value(node, std::move(result));
}

void Importer::set_value(const OnnxNode& node, OnnxValue result) {
  const std::string& output = node.outputs.front();
  if (output.empty()) return;
  if (const Edge* edge = std::get_if<Edge>(&result)) {
    check_size(node.where(), *edge);
    // Where the node hands its input on, all readers of the input share the layer that made it.
    for (const std::string& input : node.inputs) {
      const auto from = values_.find(input);
      const Edge* source = from == values_.end() ? nullptr : std::get_if<Edge>(&from->second);
      if (source && source->node == edge->node) readers_[output] += readers_[input] - 1;
    }
  } else {
    spend(node.where(), std::get<Constant>(result).elements());
  }
  if (!values_.try_emplace(output, std::move(result)).second) {
    throw FormatError({.where = node.where(),
                       .expected = "a name of its own for every tensor",
                       .got = "a second " + quote(output),
                       .fix = "the file is damaged; export the network again"});
  }
}

void Importer::spend(const std::string& where, Index elements) {
  if (elements > allowance_) {
    throw FormatError({.where = where,
                       .expected = fmt::format("at most {} numbers more among the network's constants", allowance_),
                       .got = std::to_string(elements),
                       .fix = "simplify the network, e.g. with onnxsim"});
  }
  allowance_ -= elements;
}

Model Importer::finish(bool as_row) {
  const std::string& output = graph_.outputs.front().name;
  const auto found = values_.find(output);
  const Edge* edge = found == values_.end() ? nullptr : std::get_if<Edge>(&found->second);
  if (!edge) {
    throw FormatError({.where = fmt::format("{}: output {}", graph_.file, quote(output)),
                       .expected = "something that a node computes from the images",
                       .got = found == values_.end() ? "no node with that output" : "a constant",
                       .fix = "the file is damaged; export the network again"});
  }
  if (!edge->flattened.empty()) {
    throw FormatError({.where = fmt::format("{}: output {}", graph_.file, quote(output)),
                       .expected = "an image or a row of class scores",
                       .got = "a flattened image of several channels and pixels",
                       .fix = "import the network up to the image, or with the dense layer that follows"});
  }
  const Shape& shape = edge->node.shape();
  const bool is_row = shape.rank() == 1 || shape.elements() != shape[-1] || !as_row;
  Model model(Graph(graph_.name, *input_, is_row ? edge->node : Flatten{{}}(edge->node)), Model::Weights::zeros);
  for (const GraphNode& node : model.nodes()) {
    for (const std::size_t i : node.parameters) {
      Parameter& parameter = model.parameters()[i];
      parameter.value = std::move(weights_.at(node.name).at(parameter.name.substr(node.name.size() + 1)));
    }
  }
  model.preprocessing = Preprocessing::none();  // an ONNX file does not say what its images went through
  return model;
}

void Importer::set_weight(const std::string& layer, const std::string& parameter, Tensor value) {
  spend(fmt::format("{}: layer {}", graph_.file, quote(layer)), value.elements());
  weights_[layer][parameter] = std::move(value);
}

std::string Importer::layer_name(const OnnxNode& node) {
  std::string stem = node.name.empty() ? node.op : node.name;
  std::ranges::replace_if(
      stem, [](char c) { return c == '.' || c == '*' || c == '?' || (c >= 0 && c < ' '); }, '_');
  std::string name = stem;
  for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", stem, i);
  return name;
}

bool Importer::has_one_reader(const std::string& tensor) const {
  const auto found = readers_.find(tensor);
  return found != readers_.end() && found->second == 1;
}

NodeImport::NodeImport(Importer& importer, const OnnxNode& node, const std::map<std::string, OnnxValue>& values)
    : importer_(importer),
      node_(node),
      constants_(inputs_of_kind<Constant>(node, values)),
      edges_(inputs_of_kind<Edge>(node, values)),
      arguments_(node, constants_, importer.allowance()) {}

bool NodeImport::is_edge(std::size_t i) const { return i < edges_.size() && edges_[i] != nullptr; }

const Edge& NodeImport::edge(std::size_t i) const {
  if (!is_edge(i)) {
    arguments_.fail(fmt::format("input {} to depend on the images", i), arguments_.knows(i) ? "a constant" : "none");
  }
  return *edges_[i];
}

const Edge& NodeImport::image() const {
  const Edge& edge = this->edge(0);
  if (edge.dims.size() != 4) arguments_.fail("[batch, channels, height, width]", dims_text(edge.dims));
  return edge;
}

}  // namespace saccade::internal
