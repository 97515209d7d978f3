#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "saccade/io/layout_internal.h"
#include "saccade/io/onnx/fold_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/view.h"

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

/// x * matrix + bias of rows: a dense layer.
Edge dense(const NodeImport& n, const Edge& x, const Constant& matrix, const std::optional<std::vector<float>>& bias) {
  const Index units = matrix.dims[1];
  const std::string name = n.name();
  n.importer().set_weight(name, "weight",
                          Tensor(Shape(matrix.dims), dense_weight(matrix, Units::last, x.flattened).floats()));
  if (bias) n.importer().set_weight(name, "bias", Tensor({units}, *bias));
  return {Dense{{.units = units, .use_bias = bias.has_value(), .name = name}}(x.node), {x.dims[0], units}, {1}};
}

/// x [..., rows, inputs] times matrices [..., inputs, units], one or one for each place of x's leading axes: a convolution
/// of one pixel over all rows, in as many groups as there are matrices.
Edge matrix_product(const NodeImport& n, const Edge& edge, const Constant& matrices,
                    const std::optional<std::vector<float>>& bias) {
  const Edge x = unflattened(edge);
  const Index last = x.rank() - 1;
  const Index inputs = matrices.dims[usize(matrices.rank() - 2)], units = matrices.dims.back();
  std::vector<Index> order, groups;
  for (const Index axis : ascending_order(x.rank(), x.is_batched())) {
    const Index own = axis - x.rank() + matrices.rank();  // the matrices' axis
    if (axis < last - 1 && own >= 0 && matrices.dims[usize(own)] != 1) {
      groups.push_back(axis);
    } else if (axis != last) {
      order.push_back(axis);
    }
  }
  std::vector<Index> expected(usize(matrices.rank()), 1);
  for (const Index axis : groups) expected[usize(axis - x.rank() + matrices.rank())] = x.dims[usize(axis)];
  std::copy_n(std::array{inputs, units}.begin(), 2, expected.end() - 2);
  if (matrices.rank() > x.rank() || matrices.dims != expected || x.dims[usize(last)] != inputs) {
    n.arguments().fail("matrices of weights for inputs " + dims_text(x.dims), dims_text(matrices.dims));
  }
  order.insert(order.end(), groups.begin(), groups.end());
  order.push_back(last);
  const Edge from = arranged(x, order);
  const Index count = matrices.elements() / std::max(inputs * units, Index{1});
  const Index rows = from.node.shape().elements() / (count * inputs);
  const std::string name = n.name();
  Constant weight = transpose({{count, inputs, units}, matrices.values}, std::array<Index, 3>{1, 0, 2});
  n.importer().set_weight(name, "weight", Tensor({1, 1, inputs, count * units}, weight.floats()));
  if (bias) n.importer().set_weight(name, "bias", Tensor({isize(bias->size())}, *bias));
  const Node product =
      Conv2D{{.filters = count * units, .kernel = 1, .groups = count, .use_bias = bias.has_value(), .name = name}}(
          Reshape{{.shape = {1, rows, count * inputs}}}(from.node));
  std::vector<Index> dims = x.dims;
  dims.back() = units;
  return {Reshape{{.shape = shape_of(dims, order)}}(product), dims, order, {}, true};
}

Edge product_with(const NodeImport& n, const Edge& x, const Constant& matrices,
                  const std::optional<std::vector<float>>& bias) {
  if (matrices.rank() < 2 || x.rank() < 2 || !matrices.is_float() || matrices.elements() == 0) {
    n.arguments().fail("a matrix of weights for inputs " + dims_text(x.dims), dims_text(matrices.dims));
  }
  const bool rows = x.is_batched() && x.rank() == 2 && matrices.rank() == 2 && x.dims[1] == matrices.dims[0];
  return rows ? dense(n, x, matrices, bias) : matrix_product(n, x, matrices, bias);
}

constexpr std::array<Index, 2> kTurned{1, 0};

Edge import_gemm(const NodeImport& n) {
  const OnnxNode& node = n.node();
  Constant matrix = n.arguments().constant(1);
  if (matrix.rank() != 2 || !matrix.is_float()) n.arguments().fail("a matrix of weights", dims_text(matrix.dims));
  if (n.edge(0).rank() != 2) n.arguments().fail("a matrix as input 0", dims_text(n.edge(0).dims));
  if (node.integer("transB", 0) != 0) matrix = transpose(matrix, kTurned);
  const auto scaled = [](std::vector<float> values, float factor) {
    for (float& value : values) value *= factor;
    return values;
  };
  matrix = Constant::of(matrix.dims, scaled(matrix.floats(), node.number("alpha", 1.0F)));
  const float beta = node.number("beta", 1.0F);
  node.integer("broadcast", 0);  // of operator sets before 7, where it only allowed what is now always allowed
  const bool turned = node.integer("transA", 0) != 0;
  if (turned && n.edge(0).is_batched()) n.arguments().fail("transA 0: images are rows", "1");
  const Edge x = turned ? transposed(n.edge(0), kTurned) : n.edge(0);
  if (!node.has_input(2)) return product_with(n, x, matrix, std::nullopt);
  if (n.is_edge(2)) {
    const Edge product = product_with(n, x, matrix, std::nullopt);
    const Constant factor = Constant::of({}, std::vector<float>{beta});
    const Edge term = beta == 1.0F ? n.edge(2) : combined(n, ArithmeticKind::multiply, n.edge(2), factor, false);
    return combined(n, ArithmeticKind::add, product, term);
  }
  Constant bias = n.arguments().constant(2);
  if (!bias.is_float()) n.arguments().fail("a floating-point bias", "whole numbers");
  n.arguments().affordable_elements(bias.dims);
  bias.values = scaled(bias.floats(), beta);
  if (const auto units = per_output(bias, matrix.dims[1])) return product_with(n, x, matrix, units);
  return combined(n, ArithmeticKind::add, product_with(n, x, matrix, std::nullopt), bias, false);
}

Edge import_mat_mul(const NodeImport& n) {
  if (!n.arguments().knows(0)) return product_with(n, n.edge(0), n.arguments().constant(1), std::nullopt);
  // A * x is the transpose of transposed x times transposed A.
  const Constant& left = n.arguments().constant(0);
  const Edge& x = n.edge(1);
  if (left.rank() != 2 || x.rank() < 2 || (x.is_batched() && x.rank() == 2)) {
    n.arguments().fail("a matrix, and something to the right of it that it is the same for",
                       dims_text(left.dims) + " and " + dims_text(x.dims));
  }
  std::vector<Index> swapped(usize(x.rank()));
  std::iota(swapped.begin(), swapped.end(), Index{0});
  std::swap(swapped.back(), swapped[swapped.size() - 2]);
  return transposed(product_with(n, transposed(x, swapped), transpose(left, kTurned), std::nullopt), swapped);
}

/// An edge with the channels innermost.
Edge by_channel(const NodeImport& n) {
  const Edge x = unflattened(n.edge(0));
  if (x.rank() < 2) n.arguments().fail("[batch, channels, ...]", dims_text(x.dims));
  return innermost(x, 1);
}

Edge import_batch_normalization(const NodeImport& n) {
  const OnnxNode& node = n.node();
  if (node.integer("training_mode", 0) != 0) n.arguments().fail("a network exported for inference", "training_mode 1");
  if (node.integer("spatial", 1) != 1) n.arguments().fail("spatial 1: one mean a channel", "0");
  node.integer("is_test", 1);  // of operator sets before 7
  node.integers("consumed_inputs", {});
  const Edge x = by_channel(n);
  const std::string name = n.name();
  static constexpr std::array<std::string_view, 4> kParameters = {"gamma", "beta", "moving_mean", "moving_variance"};
  for (std::size_t i = 0; i < kParameters.size(); ++i) {
    const Constant& values = n.arguments().constant(i + 1);
    if (values.dims != std::vector<Index>{x.dims[1]} || !values.is_float()) {
      n.arguments().fail(fmt::format("{} numbers as input {}", x.dims[1], i + 1), dims_text(values.dims));
    }
    n.importer().set_weight(name, std::string(kParameters[i]), Tensor(Shape(values.dims), values.floats()));
  }
  const BatchNorm layer{
      {.momentum = node.number("momentum", 0.9F), .epsilon = node.number("epsilon", 1e-5F), .name = name}};
  return x.made_by(layer(x.node));
}

Edge import_lrn(const NodeImport& n) {
  const OnnxNode& node = n.node();
  const Edge x = by_channel(n);
  const LocalResponseNorm layer{{.size = node.integer("size", 0),
                                 .alpha = node.number("alpha", 1e-4F),
                                 .beta = node.number("beta", 0.75F),
                                 .bias = node.number("bias", 1.0F),
                                 .name = n.name()}};
  return x.made_by(layer(x.node));
}

}  // namespace

std::span<const OnnxOperator> dense_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"BatchNormalization", import_batch_normalization},
      OnnxOperator{"Gemm", import_gemm},
      OnnxOperator{"LRN", import_lrn},
      OnnxOperator{"MatMul", import_mat_mul},
  };
  return kOperators;
}

}  // namespace saccade::internal
