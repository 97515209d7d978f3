#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "saccade/io/layout_internal.h"
#include "saccade/io/onnx/fold_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/merge.h"

namespace saccade::internal {
namespace {

/// One value for each of `count` outputs from a constant that broadcasts along its last axis, or nothing.
std::optional<std::vector<float>> per_output(const Constant& values, Index count) {
  const bool one_axis = std::ranges::count_if(values.dims, [](Index dim) { return dim != 1; }) <= 1;
  if (!values.is_float() || !one_axis) return std::nullopt;
  if (values.elements() == 1) return std::vector<float>(usize(count), values.floats().front());
  if (values.elements() != count || values.dims.back() != count) return std::nullopt;
  return values.floats();
}

/// y = x * matrix + bias, matrix [inputs, units].
Edge dense(const NodeImport& n, const Constant& matrix, std::optional<std::vector<float>> bias) {
  const Edge& x = n.edge(0);
  const bool fits = matrix.rank() == 2 && matrix.is_float() && x.dims.size() == 2 && x.dims[1] == matrix.dims[0];
  if (!fits) n.arguments().fail("a matrix of weights for inputs " + dims_text(x.dims), dims_text(matrix.dims));
  const Index units = matrix.dims[1];
  const std::string name = n.name();
  n.importer().set_weight(name, "weight",
                          Tensor(Shape(matrix.dims), dense_weight(matrix, Units::last, x.flattened).floats()));
  if (bias) n.importer().set_weight(name, "bias", Tensor({units}, *bias));
  return {Dense{{.units = units, .use_bias = bias.has_value(), .name = name}}(x.node), {x.dims[0], units}};
}

Edge import_gemm(const NodeImport& n) {
  const OnnxNode& node = n.node();
  if (node.integer("transA", 0) != 0) n.arguments().fail("transA 0: images are rows", "1");
  Constant matrix = n.arguments().constant(1);
  if (matrix.rank() != 2 || !matrix.is_float()) n.arguments().fail("a matrix of weights", dims_text(matrix.dims));
  if (node.integer("transB", 0) != 0) matrix = transpose(matrix, std::array<Index, 2>{1, 0});
  const auto scaled = [](std::vector<float> values, float factor) {
    for (float& value : values) value *= factor;
    return values;
  };
  matrix = Constant::of(matrix.dims, scaled(matrix.floats(), node.number("alpha", 1.0F)));
  const float beta = node.number("beta", 1.0F);
  node.integer("broadcast", 0);  // of operator sets before 7, where it only allowed what is now always allowed
  std::optional<std::vector<float>> bias;
  if (node.has_input(2)) {
    bias = per_output(n.arguments().constant(2), matrix.dims[1]);
    if (!bias) n.arguments().fail(fmt::format("{} biases", matrix.dims[1]), dims_text(n.arguments().constant(2).dims));
    bias = scaled(std::move(*bias), beta);
  }
  return dense(n, matrix, std::move(bias));
}

Edge import_mat_mul(const NodeImport& n) { return dense(n, n.arguments().constant(1), std::nullopt); }

/// The layer that makes the edge, once more with a bias; it has none yet and no other reader.
template <class Layer>
std::optional<Edge> with_bias(const NodeImport& n, std::size_t input, const std::vector<float>& bias) {
  const Edge& edge = n.edge(input);
  const auto* layer = dynamic_cast<const Layer*>(&edge.node.layer());
  if (!layer || layer->options().use_bias || layer->options().activation != Activation::linear) return std::nullopt;
  if (!n.importer().has_one_reader(n.node().inputs[input])) return std::nullopt;
  auto options = layer->options();
  options.use_bias = true;
  n.importer().set_weight(options.name, "bias", Tensor({isize(bias.size())}, bias));
  return Edge{Layer(options)(edge.node.inputs()[0]), edge.dims, edge.flattened};
}

/// x + constant: the bias of the layer before.
Edge add_constant(const NodeImport& n, std::size_t edge_input, const Constant& constant) {
  const Edge& x = n.edge(edge_input);
  const Index channels = x.dims[1];
  // Counted from the channels on, [channels, 1, 1] of an image or [channels] of a row; what broadcasts adds axes of 1.
  std::vector<Index> dims = constant.dims;
  const Index after = isize(x.dims.size()) - 2;
  for (Index i = 0; i < after && !dims.empty() && dims.back() == 1; ++i) dims.pop_back();
  std::optional<std::vector<float>> bias;
  const bool fits = constant.rank() <= isize(x.dims.size());
  if (fits && (constant.elements() == 1 || isize(dims.size()) + after == constant.rank())) {
    bias = per_output({dims, constant.values}, channels);
  }
  if (bias && x.flattened.empty()) {
    if (auto edge = with_bias<Conv2D>(n, edge_input, *bias)) return *edge;
    if (auto edge = with_bias<Dense>(n, edge_input, *bias)) return *edge;
  }
  n.arguments().fail("two tensors that depend on the images, or the bias of a convolution or dense layer",
                     "a constant " + dims_text(constant.dims));
}

Edge import_add(const NodeImport& n) {
  n.node().integer("broadcast", 0);  // of operator sets before 7
  if (n.node().inputs.size() == 2) {
    if (n.arguments().knows(0)) return add_constant(n, 1, n.arguments().constant(0));
    if (n.arguments().knows(1)) return add_constant(n, 0, n.arguments().constant(1));
  }
  const Edge& head = n.edge(0);
  std::vector<Node> terms;
  for (std::size_t i = 0; i < n.node().inputs.size(); ++i) {
    const Edge& term = n.edge(i);
    if (term.dims != head.dims || term.flattened != head.flattened) {
      n.arguments().fail("terms of one shape", dims_text(head.dims) + " and " + dims_text(term.dims));
    }
    terms.push_back(term.node);
  }
  if (terms.size() == 1) return head;
  return {Add{{.name = n.name()}}(terms), head.dims, head.flattened};
}

Edge import_batch_normalization(const NodeImport& n) {
  const OnnxNode& node = n.node();
  if (node.integer("training_mode", 0) != 0) n.arguments().fail("a network exported for inference", "training_mode 1");
  if (node.integer("spatial", 1) != 1) n.arguments().fail("spatial 1: one mean a channel", "0");
  node.integer("is_test", 1);  // of operator sets before 7
  node.integers("consumed_inputs", {});
  const Edge& x = n.edge(0);
  const std::string name = n.name();
  static constexpr std::array<std::string_view, 4> kParameters = {"gamma", "beta", "moving_mean", "moving_variance"};
  for (std::size_t i = 0; i < kParameters.size(); ++i) {
    const Constant& values = n.arguments().constant(i + 1);
    if (values.dims != std::vector<Index>{x.dims[1]} || !values.is_float()) {
      n.arguments().fail(fmt::format("{} numbers as input {}", x.dims[1], i + 1), dims_text(values.dims));
    }
    n.importer().set_weight(name, std::string(kParameters[i]), Tensor(Shape(values.dims), values.floats()));
  }
  if (!x.flattened.empty()) n.arguments().fail("an image, or a row that was none", "a flattened image");
  const BatchNorm layer{
      {.momentum = node.number("momentum", 0.9F), .epsilon = node.number("epsilon", 1e-5F), .name = name}};
  return {layer(x.node), x.dims};
}

/// The product of two images, or of one and a factor for each of its channels.
Edge import_mul(const NodeImport& n) {
  const Edge& a = n.edge(0);
  const Edge& b = n.edge(1);
  if (a.flattened != b.flattened) n.arguments().fail("two images, or two flattened ones", "one of each");
  const bool a_is_larger = a.dims.size() != b.dims.size() || std::ranges::lexicographical_compare(b.dims, a.dims);
  const std::vector<Index>& dims = a_is_larger ? a.dims : b.dims;
  const std::vector<Index>& factors = a_is_larger ? b.dims : a.dims;
  const bool by_channel = dims.size() == 4 && factors == std::vector<Index>{dims[0], dims[1], 1, 1};
  if (factors != dims && !by_channel) {
    n.arguments().fail("two tensors of one shape, or one factor a channel",
                       dims_text(a.dims) + " and " + dims_text(b.dims));
  }
  return {Multiply{{.name = n.name()}}({a.node, b.node}), dims, a.flattened};
}

Edge import_lrn(const NodeImport& n) {
  const OnnxNode& node = n.node();
  const LocalResponseNorm layer{{.size = node.integer("size", 0),
                                 .alpha = node.number("alpha", 1e-4F),
                                 .beta = node.number("beta", 0.75F),
                                 .bias = node.number("bias", 1.0F),
                                 .name = n.name()}};
  return {layer(n.image().node), n.image().dims};
}

}  // namespace

std::span<const OnnxOperator> dense_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Add", import_add},        OnnxOperator{"BatchNormalization", import_batch_normalization},
      OnnxOperator{"Gemm", import_gemm},      OnnxOperator{"LRN", import_lrn},
      OnnxOperator{"MatMul", import_mat_mul}, OnnxOperator{"Mul", import_mul},
      OnnxOperator{"Sum", import_add},
  };
  return kOperators;
}

}  // namespace saccade::internal
