#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>

#include "saccade/base/error.h"
#include "saccade/io/facts_internal.h"
#include "saccade/io/onnx/curves_internal.h"
#include "saccade/io/onnx/fold_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/nn/input.h"
#include "saccade/nn/view.h"

namespace saccade::internal {
namespace {

/// Stands for a batch of any size in the arithmetic of shapes: no extent of an image is likely to be taken for it.
constexpr Index kAnyBatch = 7919;

/// Every operator that can become layers, by name.
const std::map<std::string_view, OnnxOperator>& operators() {
  static const std::map<std::string_view, OnnxOperator> kOperators = [] {
    std::map<std::string_view, OnnxOperator> result;
    for (const auto some : {window_operators(), dense_operators(), arithmetic_operators(), axis_operators(),
                            resize_operators(), activation_operators()}) {
      for (const OnnxOperator& op : some) result.emplace(op.name, op);
    }
    return result;
  }();
  return kOperators;
}

std::string operator_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, op] : operators()) names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Larger tensors than any network has are refused, so that no arithmetic on their extents overflows.
void check_size(const std::string& where, const Edge& edge) {
  constexpr int kNumberBits = 40, kBatchBits = 20;
  const Index batch = edge.is_batched() ? edge.dims.front() : 1;
  if (edge.node.shape().elements() <= Index{1} << kNumberBits && batch <= Index{1} << kBatchBits) return;
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

ImportedNetwork import_onnx(std::span<const std::byte> bytes, const std::string& file, const OnnxRequest& request) {
  try {
    return Importer(read_onnx_graph(bytes, file), request, /*batched=*/true).run();
  } catch (const Error&) {
    const std::exception_ptr reason = std::current_exception();
    try {
      return Importer(read_onnx_graph(bytes, file), request, /*batched=*/false).run();
    } catch (const Error&) {
      std::rethrow_exception(reason);
    }
  }
}

Importer::Importer(OnnxGraph graph, const OnnxRequest& request, bool batched)
    : graph_(std::move(graph)), request_(request), batched_(batched) {
  if (!request_.output.empty()) {
    std::erase_if(graph_.outputs, [&](const OnnxValueInfo& output) { return output.name != request_.output; });
  }
  join_curves(graph_);
  for (const OnnxNode& node : graph_.nodes) {
    for (const std::string& input : node.inputs) ++readers_[input];
  }
  for (const OnnxValueInfo& output : graph_.outputs) ++readers_[output.name];
  allowance_ = total_allowance(graph_);
}

ImportedNetwork Importer::run() {
  bind_inputs();
  for (const OnnxNode& node : graph_.nodes) import_node(node);
  return finish();
}

/// Whether the images are turned into [batch, channels, height, width] before anything looks at their axes, as exporters
/// of TensorFlow do it.
bool Importer::has_channels_last(const std::string& input) const {
  static const std::set<std::string_view> kElementwise{"Add", "Cast", "Div", "Identity", "Mul", "Sub"};
  std::string tensor = input;
  for (const OnnxNode& node : graph_.nodes) {
    if (std::ranges::find(node.inputs, tensor) == node.inputs.end() || node.outputs.empty()) continue;
    if (node.op == "Transpose") return node.integers("perm", {}) == std::vector<Index>{0, 3, 1, 2};
    if (!kElementwise.contains(node.op)) return false;
    tensor = node.outputs.front();
  }
  return false;
}

Edge Importer::input_edge(const OnnxValueInfo& value) const {
  const Index rank = isize(value.dims.size());
  const auto known = std::span(value.dims).subspan(batched_ && rank > 0 ? 1 : 0);
  if ((batched_ && rank < 2) || !std::ranges::all_of(known, [](Index dim) { return dim > 0; })) {
    throw FormatError({.where = fmt::format("{}: input {}", graph_.file, quote(value.name)),
                       .expected = "[batch, channels, height, width], all but the batch given as numbers",
                       .got = dims_text(value.dims),
                       .fix = "export the network with a fixed image size"});
  }
  std::vector<Index> dims = value.dims;
  if (batched_ && dims.front() < 1) dims.front() = kAnyBatch;
  std::vector<Index> order = ascending_order(rank, batched_);
  if (batched_ && !channels_last_) order = channels_last_order(rank, true);
  const Shape shape = shape_of(dims, order);
  return {input(shape), std::move(dims), std::move(order)};
}

void Importer::bind_inputs() {
  for (auto& [name, constant] : graph_.initializers) values_.insert_or_assign(name, std::move(constant));
  std::vector<std::string> images;
  for (const OnnxValueInfo& value : graph_.inputs) {
    if (const auto known = request_.bound.find(value.name); known != request_.bound.end()) {
      values_.insert_or_assign(value.name, known->second);
      continue;
    }
    images.push_back(quote(value.name));
    channels_last_ = value.dims.size() == 4 && has_channels_last(value.name);
    input_ = input_edge(value);
    check_size(fmt::format("{}: input {}", graph_.file, quote(value.name)), *input_);
    values_.insert_or_assign(value.name, *input_);
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
  std::vector<OnnxValue> results;
  if (std::optional<Constant> constant = fold(import.arguments())) {
    results.push_back(std::move(*constant));
  } else if (node.op == "Shape") {  // the shape of an image is known, whatever its pixels are
    results.push_back(Constant::list(shape_part(import.arguments(), import.edge(0).dims)));
  } else {
    const auto found = operators().find(node.op);
    if (found == operators().end()) {
      throw FormatError({.where = node.where(),
                         .expected = "an operator of image classifiers: " + operator_names(),
                         .got = node.op,
                         .fix = "see docs/onnx.md for what can be imported"});
    }
    if (found->second.import) {
      results.push_back(found->second.import(import));
    } else {
      for (Edge& edge : found->second.import_all(import)) results.push_back(std::move(edge));
    }
  }
  node.check_all_asked();
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (i < results.size()) {
      set_value(node, node.outputs[i], std::move(results[i]));
    } else if (readers_.contains(node.outputs[i])) {
      throw FormatError({.where = node.where(),
                         .expected = "a node of which the first output is used",
                         .got = "a reader of " + quote(node.outputs[i]),
                         .fix = "export the network for inference"});
    }
  }
}

void Importer::set_value(const OnnxNode& node, const std::string& output, OnnxValue result) {
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

ImportedNetwork Importer::finish() {
  const std::string& output = graph_.outputs.front().name;
  const auto found = values_.find(output);
  const Edge* edge = found == values_.end() ? nullptr : std::get_if<Edge>(&found->second);
  if (!edge) {
    throw FormatError({.where = fmt::format("{}: output {}", graph_.file, quote(output)),
                       .expected = "something that a node computes from the images",
                       .got = found == values_.end() ? "no node with that output" : "a constant",
                       .fix = "the file is damaged; export the network again"});
  }
  const bool turned = batched_ && !channels_last_;
  const Edge last = arranged(
      unflattened(*edge), turned ? channels_last_order(edge->rank(), true) : ascending_order(edge->rank(), batched_));
  const Shape& shape = last.node.shape();
  const bool is_row = shape.rank() == 1 || shape.elements() != shape[-1] || !request_.as_row;
  ImportedNetwork result{.model = Model(Graph(graph_.name, input_->node, is_row ? last.node : Flatten{{}}(last.node)),
                                        Model::Weights::zeros),
                         .batched = batched_,
                         .input_order = input_->order,
                         .output_order = last.order,
                         .output_dims = last.dims};
  for (const GraphNode& node : result.model.nodes()) {
    for (const std::size_t i : node.parameters) {
      Parameter& parameter = result.model.parameters()[i];
      parameter.value = std::move(weights_.at(node.name).at(parameter.name.substr(node.name.size() + 1)));
    }
  }
  // Other programs' files do not say what their images went through.
  result.model.preprocessing = Preprocessing::none();
  if (!graph_.facts.empty()) take_facts(result.model, graph_.facts, graph_.file);
  return result;
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

ImageEdge::ImageEdge(const NodeImport& n) : edge_(unflattened(n.edge(0))), node_(edge_.node) {
  const Index rank = edge_.rank();
  const bool batched = edge_.is_batched();
  if ((rank != 3 && rank != 4) || (!batched && edge_.dims.front() != 1)) {
    n.arguments().fail("images [batch, channels, height, width], or [batch, channels, width]", dims_text(edge_.dims));
  }
  edge_ = arranged(edge_, channels_last_order(rank, batched));
  const std::vector<Index>& dims = edge_.dims;
  const Shape shape{rank == 3 ? 1 : dims[2], dims.back(), dims[1]};
  node_ = edge_.node.shape() == shape ? edge_.node : Reshape{{.shape = shape}}(edge_.node);
}

Edge ImageEdge::made(const Node& image) const {
  const Shape& shape = image.shape();
  std::vector<Index> dims{edge_.dims.front(), shape[2], shape[0], shape[1]};
  if (is_row()) dims.erase(dims.begin() + 2);
  const Shape own = shape_of(dims, edge_.order);
  if (own == shape) return {image, std::move(dims), edge_.order};
  return {Reshape{{.shape = own}}(image), std::move(dims), edge_.order, {}, true};
}

}  // namespace saccade::internal
