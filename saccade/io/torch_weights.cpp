#include "saccade/io/torch_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/io/layout_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/view.h"

namespace saccade {
namespace {

using internal::Constant;
using internal::quote;

constexpr const char* kOtherNetwork = "name the network that these weights were trained in";

/// What PyTorch calls a parameter of ours.
std::string_view torch_name(std::string_view parameter) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {{{"gamma", "weight"},
                                                                                    {"beta", "bias"},
                                                                                    {"moving_mean", "running_mean"},
                                                                                    {"moving_variance", "running_var"},
                                                                                    {"alpha", "weight"}}};
  const auto found = std::ranges::find(kNames, parameter, &std::pair<std::string_view, std::string_view>::first);
  return found == kNames.end() ? parameter : found->second;
}

/// "module.layer1.0.conv1.weight" as "layer1_0_conv1.weight".
std::string our_name(std::string_view torch) {
  if (torch.starts_with("module.")) torch.remove_prefix(7);
  std::string name(torch);
  const std::size_t last = name.rfind('.');
  if (last != std::string::npos) std::replace(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(last), '.', '_');
  return name;
}

/// The image [h, w, c] whose numbers the node's input is a row of, if it was one.
std::optional<Shape> flattened_image(const Graph& graph, const GraphNode& node) {
  const GraphNode* below = &graph.nodes()[node.inputs.front()];
  while (dynamic_cast<const Flatten*>(below->layer.get()) == nullptr) {
    if (below->inputs.empty() || below->shape.rank() != 1 || !below->parameters.empty()) return std::nullopt;
    below = &graph.nodes()[below->inputs.front()];
  }
  const Shape& image = graph.nodes()[below->inputs.front()].shape;
  return image.rank() == 3 ? std::optional(image) : std::nullopt;
}

/// The tensor in our layout; its dims may still be others than the parameter's.
Constant in_our_layout(const Constant& torch, const Graph& graph, const GraphNode& node) {
  if (torch.rank() == 4) return internal::filters_to_hwio(torch);
  if (torch.rank() != 2 || dynamic_cast<const Dense*>(node.layer.get()) == nullptr) return torch;
  const std::optional<Shape> image = flattened_image(graph, node);
  const bool fits = image && image->elements() == torch.dims[1];
  return internal::dense_weight(torch, internal::Units::first,
                                fits ? internal::channels_first(*image) : std::vector<Index>{});
}

/// The dims that in_our_layout() should give. PyTorch keeps a depthwise filter [h, w, c, m] as one of groups,
/// [h, w, 1, c * m], which has the same order in memory.
std::vector<Index> wanted_dims(const Shape& shape, const GraphNode& node) {
  if (shape.rank() == 4 && dynamic_cast<const DepthwiseConv2D*>(node.layer.get()) != nullptr) {
    return {shape[0], shape[1], 1, shape[2] * shape[3]};
  }
  return {shape.extents().begin(), shape.extents().end()};
}

/// What is still to be used, under our names.
class StateDict {
 public:
  StateDict(std::vector<std::pair<std::string, Tensor>> tensors, const std::string& file) : file_(file) {
    for (auto& [name, tensor] : tensors) {
      if (name.ends_with(".num_batches_tracked")) continue;
      entries_.insert_or_assign(our_name(name), Entry{name, std::move(tensor)});
    }
  }

  /// The new value of a parameter of the node.
  Tensor take(const Model& net, const GraphNode& node, const Parameter& parameter) {
    const std::string& layer = node.name;
    const std::string_view own = std::string_view(parameter.name).substr(layer.size() + 1);
    const auto found = entries_.find(fmt::format("{}.{}", layer, torch_name(own)));
    const Shape& shape = parameter.value.shape();
    if (found == entries_.end()) {
      throw FormatError({.where = file_,
                         .expected = fmt::format("a tensor '{}.{}' for layer '{}'", layer, torch_name(own), layer),
                         .got = "none",
                         .fix = kOtherNetwork});
    }
    const Tensor& tensor = found->second.tensor;
    const std::vector<Index> dims(tensor.shape().extents().begin(), tensor.shape().extents().end());
    const std::span<const float> floats = tensor.floats();
    const Constant value =
        in_our_layout(Constant::of(dims, std::vector<float>(floats.begin(), floats.end())), net.graph(), node);
    if (value.dims != wanted_dims(shape, node)) {
      throw FormatError({.where = fmt::format("{}: tensor {}", file_, quote(found->second.name)),
                         .expected = fmt::format("what becomes {} for layer '{}'", shape.to_string(), layer),
                         .got = tensor.shape().to_string(),
                         .fix = "name the network and its number of classes"});
    }
    entries_.erase(found);
    return {shape, value.floats()};
  }

  void check_all_taken() const {
    if (entries_.empty()) return;
    throw FormatError({.where = file_,
                       .expected = "only tensors that a layer asks for",
                       .got = quote(entries_.begin()->second.name),
                       .fix = kOtherNetwork});
  }

 private:
  struct Entry {
    std::string name;
    Tensor tensor;
  };
  std::map<std::string, Entry> entries_;
  const std::string& file_;
};

}  // namespace

void take_torch_weights(Model& net, std::vector<std::pair<std::string, Tensor>> tensors, const std::string& file) {
  StateDict state(std::move(tensors), file);
  std::vector<Tensor> values(net.parameters().size());
  for (const GraphNode& node : net.nodes()) {
    for (const std::size_t i : node.parameters) values[i] = state.take(net, node, net.parameters()[i]);
  }
  state.check_all_taken();
  for (std::size_t i = 0; i < values.size(); ++i) net.parameters()[i].value = std::move(values[i]);
}

}  // namespace saccade
