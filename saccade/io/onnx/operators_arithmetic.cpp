#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "saccade/io/onnx/fold_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/merge.h"

namespace saccade::internal {
namespace {

/// As many axes, those that are added in front and of one element.
std::vector<Index> with_rank(std::span<const Index> dims, Index rank) {
  std::vector<Index> result(usize(rank) - dims.size(), 1);
  result.insert(result.end(), dims.begin(), dims.end());
  return result;
}

Edge with_rank(const NodeImport& n, const Edge& edge, Index rank) {
  if (edge.rank() == rank) return edge;
  if (edge.is_batched()) {
    n.arguments().fail("the batch to stay the first axis", fmt::format("{} and {} axes", edge.rank(), rank));
  }
  return reshaped(edge, with_rank(edge.dims, rank));
}

/// Whether the layer `Multiply` does it: one shape, or an image and one factor a channel.
bool is_multiply(const Shape& a, const Shape& b) {
  const auto is_factor = [](const Shape& factor, const Shape& image) {
    return image.rank() == 3 && factor == Shape{1, 1, image[2]};
  };
  return a == b || is_factor(a, b) || is_factor(b, a);
}

/// What `constant` adds to each number of the edge's innermost axis, if it depends on nothing else and these are at most
/// `most`.
std::optional<std::vector<float>> as_bias(const Edge& x, const Constant& constant, Index most) {
  if (x.order.empty() || !x.flattened.empty() || constant.rank() > x.rank()) return std::nullopt;
  const std::vector<Index> dims = with_rank(constant.dims, x.rank());
  for (Index axis = 0; axis < x.rank(); ++axis) {
    if (dims[usize(axis)] != 1 && axis != x.order.back()) return std::nullopt;
  }
  const Index count = x.dims[usize(x.order.back())];
  if (constant.elements() == count) return constant.floats();
  if (constant.elements() != 1 || count > most) return std::nullopt;
  return std::vector<float>(usize(count), constant.floats().front());
}

/// The layer that makes the edge, once more with a bias; it has none yet and no other reader.
template <class L>
std::optional<Edge> with_bias(const NodeImport& n, std::size_t input, const std::vector<float>& bias) {
  const auto fits = [](const auto& o) { return !o.use_bias && o.activation == Activation::linear; };
  return rebuilt<L>(n, input, fits, [&](auto& options) {
    options.use_bias = true;
    n.importer().set_weight(options.name, "bias", Tensor({isize(bias.size())}, bias));
  });
}

/// Input i plus a constant: the bias of the layer before, where it has none.
Edge plus_constant(const NodeImport& n, std::size_t input, const Constant& constant) {
  const Edge& x = n.edge(input);
  if (constant.is_float()) {
    if (const auto bias = as_bias(x, constant, n.importer().allowance())) {
      if (auto edge = with_bias<Conv2D>(n, input, *bias)) return *edge;
      if (auto edge = with_bias<Dense>(n, input, *bias)) return *edge;
    }
  }
  return combined(n, ArithmeticKind::add, x, constant, false);
}

/// Before operator set 7, input 1 could say which of input 0's axes its first was.
template <class Tensor>
std::vector<Index> aligned_dims(const NodeImport& n, Index rank, const Tensor& second) {
  std::vector<Index> dims = second.dims;
  const bool broadcasts = n.node().integer("broadcast", 0) != 0;
  if (!n.node().has("axis") || !broadcasts) return dims;
  const Index axis = n.arguments().axis(n.node().integer("axis", 0), rank);
  dims.resize(usize(std::max(rank - axis, isize(dims.size()))), 1);
  return dims;
}

template <ArithmeticKind kKind>
Edge import_pair(const NodeImport& n) {
  if (n.node().inputs.size() != 2) n.arguments().fail("two inputs", std::to_string(n.node().inputs.size()));
  if (!n.importer().opset_at_least(7) && n.is_edge(0)) {
    const Edge& first = n.edge(0);
    if (n.is_edge(1)) {
      const std::vector<Index> dims = aligned_dims(n, first.rank(), n.edge(1));
      if (n.edge(1).is_batched() && n.edge(1).dims != dims) n.arguments().fail("no axis of a batch", dims_text(dims));
      return combined(n, kKind, first, reshaped(n.edge(1), dims));
    }
    const Constant& second = n.arguments().constant(1);
    const Constant aligned{aligned_dims(n, first.rank(), second), second.values};
    if (kKind == ArithmeticKind::add) return plus_constant(n, 0, aligned);
    return combined(n, kKind, first, aligned, false);
  }
  if (n.is_edge(0) && n.is_edge(1)) return combined(n, kKind, n.edge(0), n.edge(1));
  const std::size_t input = n.is_edge(0) ? 0 : 1;
  const Constant& constant = n.arguments().constant(1 - input);
  if (kKind == ArithmeticKind::add) return plus_constant(n, input, constant);
  return combined(n, kKind, n.edge(input), constant, input == 1);
}

Edge import_sum(const NodeImport& n) {
  const std::size_t count = n.node().inputs.size();
  std::vector<Node> terms;
  const auto is_like_first = [&](std::size_t i) {
    if (!n.is_edge(i)) return false;
    const Edge &first = n.edge(0), &term = n.edge(i);
    return term.dims == first.dims && term.order == first.order && term.flattened == first.flattened;
  };
  for (std::size_t i = 0; i < count && is_like_first(i); ++i) terms.push_back(n.edge(i).node);
  if (count == 1 && terms.size() == 1) return n.edge(0);
  if (count > 1 && terms.size() == count) return n.edge(0).made_by(Add{{.name = n.name()}}(terms));
  std::size_t head = 0;
  while (head + 1 < count && !n.is_edge(head)) ++head;
  // Terms of other shapes, one after another. A constant next to the first may be the bias of the layer that made it.
  std::optional<Edge> sum;
  const std::size_t beside = head == 0 ? 1 : 0;
  if (beside < count && n.arguments().knows(beside)) sum = plus_constant(n, head, n.arguments().constant(beside));
  const bool took_two = sum.has_value();
  if (!sum) sum = n.edge(head);
  for (std::size_t i = 0; i < count; ++i) {
    if (i == head || (took_two && i == beside)) continue;
    sum = n.is_edge(i) ? combined(n, ArithmeticKind::add, *sum, n.edge(i))
                       : combined(n, ArithmeticKind::add, *sum, n.arguments().constant(i), false);
  }
  return *sum;
}

/// Times -1, which is exact.
Edge import_neg(const NodeImport& n) {
  const Constant minus_one = Constant::of({}, std::vector<float>{-1.0F});
  return combined(n, ArithmeticKind::multiply, n.edge(0), minus_one, false);
}

/// Repeats along axes of 1: times one, which is exact.
Edge import_expand(const NodeImport& n) {
  const Edge& x = n.edge(0);
  const std::vector<Index> shape = n.arguments().list("", 1);
  std::vector<Index> ones = broadcast_dims(n.arguments(), x.dims, shape);
  if (ones == x.dims) return x;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    Index& repeats = ones[ones.size() - x.dims.size() + i];
    if (repeats == x.dims[i]) repeats = 1;
  }
  const Index elements = n.arguments().affordable_elements(ones);
  return combined(n, ArithmeticKind::multiply, x, Constant::of(ones, std::vector<float>(usize(elements), 1.0F)), false);
}

}  // namespace

Edge combined(const NodeImport& n, ArithmeticKind kind, const Edge& a, const Edge& b) {
  const std::vector<Index> dims = broadcast_dims(n.arguments(), a.dims, b.dims);
  const bool alike = a.dims == b.dims && a.flattened == b.flattened;
  const Index rank = isize(dims.size());
  Edge x = alike ? a : with_rank(n, unflattened(a), rank);
  Edge y = alike ? b : with_rank(n, unflattened(b), rank);
  if (x.is_batched() && x.dims.front() != y.dims.front()) {
    n.arguments().fail("two tensors of one batch", dims_text(a.dims) + " and " + dims_text(b.dims));
  }
  // The larger one stays as it is.
  if (x.node.shape().elements() >= y.node.shape().elements()) {
    if (!alike || x.flattened.empty()) y = arranged(y, x.order);
  } else {
    x = arranged(x, y.order);
  }
  const Shape &xs = x.node.shape(), &ys = y.node.shape();
  Edge result = x;
  result.viewed = false;
  result.dims = dims;
  if (kind == ArithmeticKind::add && xs == ys) {
    result.node = Add{{.name = n.name()}}({x.node, y.node});
  } else if (kind == ArithmeticKind::multiply && is_multiply(xs, ys)) {
    result.node = Multiply{{.name = n.name()}}({x.node, y.node});
  } else {
    result.node = Arithmetic{{.operation = kind, .name = n.name()}}({x.node, y.node});
  }
  return result;
}

Edge combined(const NodeImport& n, ArithmeticKind kind, const Edge& x, const Constant& constant, bool constant_first) {
  if (!constant.is_float()) n.arguments().fail("a constant of floating-point numbers", "whole ones");
  const std::string name = n.name();
  Constant operand = Constant::of({1}, std::vector<float>{});
  Edge from = x;
  std::vector<Index> dims = x.dims;
  if (constant.elements() == 1 && constant.rank() <= x.rank()) {
    operand.values = constant.values;
  } else {
    dims = broadcast_dims(n.arguments(), x.dims, constant.dims);
    from = with_rank(n, unflattened(x), isize(dims.size()));
    const std::vector<Index> all = with_rank(constant.dims, from.rank());
    if (from.is_batched() && all.front() != 1) {
      n.arguments().fail("a constant that is the same for every image", dims_text(constant.dims));
    }
    operand = transpose({all, constant.values}, from.order);
    const auto first = std::ranges::find_if(operand.dims, [](Index dim) { return dim != 1; });
    operand.dims.erase(operand.dims.begin(), std::min(first, operand.dims.end() - 1));
  }
  n.importer().set_weight(name, "operand", Tensor(Shape(operand.dims), operand.floats()));
  Edge result = from;
  result.viewed = false;
  result.dims = std::move(dims);
  result.node = Arithmetic{
      {.operation = kind, .operand = Shape(operand.dims), .operand_first = constant_first, .name = name}}(from.node);
  return result;
}

std::span<const OnnxOperator> arithmetic_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Add", import_pair<ArithmeticKind::add>},
      OnnxOperator{"Div", import_pair<ArithmeticKind::divide>},
      OnnxOperator{"Expand", import_expand},
      OnnxOperator{"Mul", import_pair<ArithmeticKind::multiply>},
      OnnxOperator{"Neg", import_neg},
      OnnxOperator{"Sub", import_pair<ArithmeticKind::subtract>},
      OnnxOperator{"Sum", import_sum},
  };
  return kOperators;
}

}  // namespace saccade::internal
