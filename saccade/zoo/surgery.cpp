#include "saccade/zoo/surgery.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade::zoo {
namespace {

/// The position of the last layer that has weights.
std::size_t head_of(const Model& net) {
  const std::span<const GraphNode> nodes = net.nodes();
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (!nodes[i].parameters.empty()) return i;
  }
  throw ValueError({.where = fmt::format("network '{}'", net.name()),
                    .expected = "a layer with weights, to replace",
                    .got = "none",
                    .fix = "start from another network"});
}

/// The same layer with other outputs, linear.
std::shared_ptr<const Layer> new_head(const GraphNode& node, Index classes) {
  if (const auto* dense = dynamic_cast<const Dense*>(node.layer.get())) {
    DenseOptions options = dense->options();
    options.units = classes;
    options.activation = Activation::linear;
    options.name = node.name;
    return std::make_shared<Dense>(std::move(options));
  }
  if (const auto* convolution = dynamic_cast<const Conv2D*>(node.layer.get())) {
    Conv2DOptions options = convolution->options();
    options.filters = classes;
    options.activation = Activation::linear;
    options.name = node.name;
    return std::make_shared<Conv2D>(std::move(options));
  }
  throw ValueError({.where = fmt::format("layer '{}'", node.name),
                    .expected = "the last layer with weights to be a Dense or a Conv2D",
                    .got = std::string(node.layer->type()),
                    .fix = "start from a network that ends in one"});
}

/// A layer behind the head: null where it goes with the old one.
std::shared_ptr<const Layer> tail_layer(const GraphNode& node) {
  if (dynamic_cast<const ActivationLayer*>(node.layer.get())) return nullptr;
  if (dynamic_cast<const Reshape*>(node.layer.get())) return std::make_shared<Flatten>(FlattenOptions{node.name});
  return node.layer;
}

}  // namespace

Model with_new_head(const Model& net, Index classes, std::uint64_t seed) {
  const std::span<const GraphNode> nodes = net.nodes();
  const std::size_t head = head_of(net);
  std::vector<Node> built{input(nodes.front().shape, nodes.front().name)};
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    std::vector<Node> inputs;
    for (const std::size_t from : nodes[i].inputs) inputs.push_back(built[from]);
    const std::shared_ptr<const Layer> layer = i == head  ? new_head(nodes[i], classes)
                                               : i > head ? tail_layer(nodes[i])
                                                          : nodes[i].layer;
    built.push_back(layer ? Node(layer, std::move(inputs)) : inputs.at(0));
  }
  Node output = built.back();
  if (output.shape().rank() != 1) output = Flatten{{}}(output);
  if (output.shape() != Shape{classes}) {
    throw ValueError({.where = fmt::format("network '{}'", net.name()),
                      .expected = fmt::format("{} outputs behind the new layer '{}'", classes, nodes[head].name),
                      .got = output.shape().to_string(),
                      .fix = "start from a network that pools its last convolution, or ends in a dense layer"});
  }

  Model result(Graph(net.name(), built.front(), output), Model::Weights::zeros);
  for (std::size_t i = 0; i < result.parameters().size(); ++i) {
    Parameter& parameter = result.parameters()[i];
    const auto old = std::ranges::find(net.parameters(), parameter.name, &Parameter::name);
    const bool kept = old != net.parameters().end() && !parameter.name.starts_with(nodes[head].name + ".");
    if (kept) {
      parameter.value = old->value;
      parameter.trainable = old->trainable;
    } else {
      const Initializer& initializer = result.graph().parameters()[i].initializer;
      initializer.fill(parameter.value.floats(), parameter.value.shape(), seed, parameter.name);
    }
  }
  result.preprocessing = net.preprocessing;
  return result;
}

void reverse_input_channels(Model& net) {
  const auto fail = [&](std::string got) {
    throw ValueError({.where = fmt::format("network '{}'", net.name()),
                      .expected = "an image of three channels that goes into convolutions first",
                      .got = std::move(got),
                      .fix = "the order of colours can be changed for such networks only"});
  };
  const Shape& image = net.input_shape();
  if (image.rank() != 3 || image[2] != 3) fail("images " + image.to_string());
  // Frames of zeros hand the image on as it is.
  std::set<std::size_t> holds_image{0};
  std::vector<Parameter*> filters;
  for (std::size_t i = 1; i < net.nodes().size(); ++i) {
    const GraphNode& node = net.nodes()[i];
    if (std::ranges::none_of(node.inputs, [&](std::size_t from) { return holds_image.contains(from); })) continue;
    const auto* convolution = dynamic_cast<const Conv2D*>(node.layer.get());
    if (convolution && convolution->options().groups == 1) {
      filters.push_back(&net.parameter(node.name + ".weight"));
    } else if (dynamic_cast<const ZeroPadding2D*>(node.layer.get()) && node.shape[2] == 3) {
      holds_image.insert(i);
    } else {
      fail(fmt::format("layer '{}' of type {}", node.name, node.layer->type()));
    }
  }
  for (Parameter* filter : filters) {  // [kh, kw, 3, out]
    const std::span<float> values = filter->value.floats();
    const std::size_t out = usize(filter->value.shape()[3]);
    for (std::size_t tap = 0; tap < values.size(); tap += 3 * out) {
      std::ranges::swap_ranges(values.subspan(tap, out), values.subspan(tap + 2 * out, out));
    }
  }
  std::ranges::reverse(net.preprocessing.mean);
  std::ranges::reverse(net.preprocessing.deviation);
}

}  // namespace saccade::zoo
