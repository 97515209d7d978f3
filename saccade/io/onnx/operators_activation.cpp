#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <numeric>

#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/view.h"

namespace saccade::internal {
namespace {

/// The layer that makes the node's input, once more with the activation; it has none yet and no other reader.
template <class L>
std::optional<Edge> fused(const NodeImport& n, Activation activation) {
  return rebuilt<L>(
      n, 0, [](const auto& o) { return o.activation == Activation::linear; },
      [&](auto& options) { options.activation = activation; });
}

Edge activate(const NodeImport& n, const Edge& x, ActivationOptions options) {
  options.name = n.name();
  return x.made_by(ActivationLayer(options)(x.node));
}

Edge activate(const NodeImport& n, const ActivationOptions& options) {
  if (ActivationLayer(options).is_usual()) {
    if (auto edge = fused<Conv2D>(n, options.activation)) return *edge;
    if (auto edge = fused<Dense>(n, options.activation)) return *edge;
  }
  return activate(n, n.edge(0), options);
}

template <Activation kActivation>
Edge import_plain(const NodeImport& n) {
  n.node().integers("consumed_inputs", {});  // of operator sets before 6
  return activate(n, {.activation = kActivation});
}

Edge import_leaky_relu(const NodeImport& n) {
  return activate(n, {.activation = leaky_relu, .negative_slope = n.node().number("alpha", 0.01F)});
}

Edge import_elu(const NodeImport& n) {
  return activate(n, {.activation = elu, .elu_alpha = n.node().number("alpha", 1.0F)});
}

Edge import_gelu(const NodeImport& n) {
  const std::string approximate = n.node().text("approximate", "none");
  if (approximate != "none" && approximate != "tanh") n.arguments().fail("approximate none or tanh", approximate);
  return activate(n, {.activation = approximate == "none" ? gelu : gelu_tanh});
}

Edge import_swish(const NodeImport& n) {
  const float alpha = n.node().number("alpha", 1.0F);
  if (alpha != 1.0F) n.arguments().fail("alpha 1", fmt::format("{}", alpha));
  return activate(n, {.activation = swish});
}

Edge import_hard_sigmoid(const NodeImport& n) {
  return activate(n, {.activation = hard_sigmoid,
                      .hard_sigmoid_slope = n.node().number("alpha", 0.2F),
                      .hard_sigmoid_offset = n.node().number("beta", 0.5F)});
}

Edge import_clip(const NodeImport& n) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  // Bounds that are left out, or infinite: the file of a network can only hold finite ones.
  const auto finite = [](float bound) { return bound > kLargest ? kLargest : bound < -kLargest ? -kLargest : bound; };
  const float low = finite(n.arguments().number("min", 1, -kLargest));
  const float high = finite(n.arguments().number("max", 2, kLargest));
  if (low == 0.0F && high == kLargest) return activate(n, {.activation = relu});
  if (low == 0.0F && high == 6.0F) return activate(n, {.activation = relu6});
  if (!(low <= high)) n.arguments().fail("min at most max", fmt::format("{} and {}", low, high));
  return activate(n, {.activation = Activation::clip, .clip_low = low, .clip_high = high});
}

/// Leaky ReLU with one slope, or one for each place of some axes, usually the channels.
Edge import_prelu(const NodeImport& n) {
  Constant slope = n.arguments().constant(1);
  Edge x = n.edge(0);
  if (!n.importer().opset_at_least(7) && slope.rank() == 1 && x.rank() > 2) {  // then they were those of the channels
    slope.dims.resize(usize(x.rank()) - 1, 1);
  }
  const Index missing = x.rank() - slope.rank();  // axes that broadcasting adds in front
  std::vector<Index> own, order;                  // of the slopes, and all
  for (const Index axis : x.order) {
    const bool has_slopes = axis >= missing && slope.dims[usize(axis - missing)] != 1;
    (has_slopes ? own : order).push_back(axis);
  }
  std::ranges::sort(own);
  Index count = 1;
  bool fits = slope.is_float() && missing >= 0;
  for (const Index axis : own) {
    count *= slope.dims[usize(axis - missing)];
    fits = fits && slope.dims[usize(axis - missing)] == x.dims[usize(axis)];
  }
  if (!fits || slope.elements() != count) {
    n.arguments().fail("one slope, or one for each place of some axes of " + dims_text(x.dims), dims_text(slope.dims));
  }
  const std::string name = n.name();
  std::vector<float> slopes = slope.floats();
  if (own.empty()) {
    const Index channels = x.node.shape()[-1];
    n.arguments().affordable_elements(std::array{channels});
    slopes.assign(usize(channels), slopes.front());
  } else {
    order.insert(order.end(), own.begin(), own.end());
    if (own.size() > 1 || x.order.back() != own.front()) x = arranged(unflattened(x), order);
  }
  n.importer().set_weight(name, "alpha", Tensor({isize(slopes.size())}, slopes));
  // The axes of the slopes as one.
  const Shape& shape = x.node.shape();
  std::vector<Index> joined(shape.extents().begin(), shape.extents().end());
  if (own.size() > 1) joined.erase(joined.end() - isize(own.size()) + 1, joined.end());
  joined.back() = isize(slopes.size());
  if (Shape(joined) == shape) return x.made_by(PReLU{{.name = name}}(x.node));
  return x.made_by(Reshape{{.shape = shape}}(PReLU{{.name = name}}(Reshape{{.shape = Shape(joined)}}(x.node))));
}

/// Over one axis; before operator set 13 over all axes from that one on.
template <Activation kActivation>
Edge import_softmax(const NodeImport& n) {
  const bool one_axis = n.importer().opset_at_least(13);
  const Edge x = unflattened(n.edge(0));
  const Index axis = n.arguments().axis(n.node().integer("axis", one_axis ? -1 : 1), x.rank());
  if (axis == 0 && x.is_batched()) n.arguments().fail("a softmax for each image by itself", "axis 0");
  Index last = x.rank() - 1;
  while (last > axis && x.dims[usize(last)] == 1) --last;
  if (one_axis || last == axis) return activate(n, innermost(x, axis), {.activation = kActivation});
  std::vector<Index> joined(x.dims.begin(), x.dims.begin() + axis);
  joined.push_back(std::accumulate(x.dims.begin() + axis, x.dims.end(), Index{1}, std::multiplies<>()));
  const Edge row = innermost(unflattened(reshaped(x, joined)), axis);
  return reshaped(activate(n, row, {.activation = kActivation}), x.dims);
}

}  // namespace

std::span<const OnnxOperator> activation_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Clip", import_clip},
      OnnxOperator{"Elu", import_elu},
      OnnxOperator{"Gelu", import_gelu},
      OnnxOperator{"HardSigmoid", import_hard_sigmoid},
      OnnxOperator{"HardSwish", import_plain<Activation::hard_swish>},
      OnnxOperator{"LeakyRelu", import_leaky_relu},
      OnnxOperator{"LogSoftmax", import_softmax<Activation::log_softmax>},
      OnnxOperator{"PRelu", import_prelu},
      OnnxOperator{"Relu", import_plain<Activation::relu>},
      OnnxOperator{"Sigmoid", import_plain<Activation::sigmoid>},
      OnnxOperator{"Softmax", import_softmax<Activation::softmax>},
      OnnxOperator{"Swish", import_swish},
      OnnxOperator{"Tanh", import_plain<Activation::tanh>},
  };
  return kOperators;
}

}  // namespace saccade::internal
