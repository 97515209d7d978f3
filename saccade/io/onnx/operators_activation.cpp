#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/prelu.h"

namespace saccade::internal {
namespace {

/// The layer that makes the node's input, once more with the activation; it has none yet and no other reader.
template <class Layer>
std::optional<Node> fused(const NodeImport& n, Activation activation) {
  const auto* layer = dynamic_cast<const Layer*>(&n.edge(0).node.layer());
  if (!layer || layer->options().activation != Activation::linear) return std::nullopt;
  if (!n.importer().has_one_reader(n.node().inputs[0])) return std::nullopt;
  auto options = layer->options();
  options.activation = activation;
  return Layer(options)(n.edge(0).node.inputs()[0]);
}

Edge activate(const NodeImport& n, ActivationOptions options) {
  const Edge& x = n.edge(0);
  if (ActivationLayer(options).is_usual()) {
    if (auto node = fused<Conv2D>(n, options.activation)) return {*node, x.dims, x.flattened};
    if (auto node = fused<Dense>(n, options.activation)) return {*node, x.dims, x.flattened};
  }
  options.name = n.name();
  return {ActivationLayer(options)(x.node), x.dims, x.flattened};
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

/// Leaky ReLU with one slope, or one a channel.
Edge import_prelu(const NodeImport& n) {
  const Edge& x = n.edge(0);
  const Constant& slope = n.arguments().constant(1);
  // [channels, 1, 1] of an image; what broadcasts adds axes of 1.
  std::vector<Index> dims(x.dims.size() - 1, 1);
  dims.front() = x.dims[1];
  const bool by_channel = slope.elements() == x.dims[1] && slope.rank() <= isize(dims.size()) &&
                          std::equal(slope.dims.rbegin(), slope.dims.rend(), dims.rbegin());
  if (!slope.is_float() || !(slope.elements() == 1 || by_channel) || !x.flattened.empty()) {
    n.arguments().fail(fmt::format("one slope, or one for each of {} channels", x.dims[1]), dims_text(slope.dims));
  }
  n.arguments().affordable_elements(std::array{x.dims[1]});
  std::vector<float> slopes(usize(x.dims[1]), slope.floats().front());
  if (by_channel) slopes = slope.floats();
  const std::string name = n.name();
  n.importer().set_weight(name, "alpha", Tensor({x.dims[1]}, slopes));
  return {PReLU{{.name = name}}(x.node), x.dims};
}

/// Softmax over the channels. Before operator set 13 it ran over all axes from `axis` on.
Edge import_softmax(const NodeImport& n) {
  const Edge& x = n.edge(0);
  const bool one_axis = n.importer().opset_at_least(13);
  const Index rank = isize(x.dims.size());
  const Index axis = n.arguments().axis(n.node().integer("axis", one_axis ? -1 : 1), rank);
  bool over_channels = axis == 1;
  for (Index i = 2; i < rank; ++i) over_channels = over_channels && (one_axis || x.dims[usize(i)] == 1);
  if (!over_channels) n.arguments().fail("a softmax over the channels, axis 1", fmt::format("axis {}", axis));
  return activate(n, {.activation = softmax});
}

}  // namespace

std::span<const OnnxOperator> activation_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Clip", import_clip},
      OnnxOperator{"Elu", import_elu},
      OnnxOperator{"HardSigmoid", import_hard_sigmoid},
      OnnxOperator{"HardSwish", import_plain<Activation::hard_swish>},
      OnnxOperator{"LeakyRelu", import_leaky_relu},
      OnnxOperator{"PRelu", import_prelu},
      OnnxOperator{"Relu", import_plain<Activation::relu>},
      OnnxOperator{"Sigmoid", import_plain<Activation::sigmoid>},
      OnnxOperator{"Softmax", import_softmax},
      OnnxOperator{"Tanh", import_plain<Activation::tanh>},
  };
  return kOperators;
}

}  // namespace saccade::internal
