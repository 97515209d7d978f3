#include "saccade/io/torch_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/io/layout_internal.h"
#include "saccade/io/onnx/fold_internal.h"
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

/// What stands in front of every name without being part of any: DataParallel, torch.compile and training frameworks put
/// a network into another module.
std::size_t wrapper_length(const NamedTensors& tensors) {
  constexpr std::array<std::string_view, 6> kWrappers = {"module.", "_orig_mod.", "model.",
                                                         "net.",    "network.",   "backbone."};
  std::size_t length = 0;
  while (true) {
    const auto all_begin_with = [&](std::string_view wrapper) {
      return !tensors.empty() && std::ranges::all_of(tensors, [&](const auto& named) {
        return std::string_view(named.first).substr(std::min(length, named.first.size())).starts_with(wrapper);
      });
    };
    const auto wrapper = std::ranges::find_if(kWrappers, all_begin_with);
    if (wrapper == kWrappers.end()) return length;
    length += wrapper->size();
  }
}

/// "layer1.0.conv1.weight" as "layer1_0_conv1.weight".
std::string our_name(std::string_view torch) {
  std::string name(torch);
  const std::size_t last = name.rfind('.');
  if (last != std::string::npos) std::replace(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(last), '.', '_');
  return name;
}

/// "layer1_0_conv1" as "layer1.0.conv1": PyTorch puts dots around the numbers of a sequence, and '_' within names alone.
std::string torch_layer(std::string_view ours) {
  std::string name(ours);
  const auto is_number = [&](std::size_t begin, std::size_t end) {
    return end > begin &&
           std::ranges::all_of(ours.substr(begin, end - begin), [](char c) { return c >= '0' && c <= '9'; });
  };
  std::size_t before = 0;
  for (std::size_t i = ours.find('_'); i != std::string_view::npos; i = ours.find('_', i + 1)) {
    const std::size_t after = std::min(ours.find('_', i + 1), ours.size());
    if (is_number(before, i) || is_number(i + 1, after)) name[i] = '.';
    before = i + 1;
  }
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

/// The way back, from wanted_dims().
Constant in_torchs_layout(const Constant& ours, const Graph& graph, const GraphNode& node) {
  if (ours.rank() == 4) return internal::filters_to_oihw(ours);
  if (ours.rank() != 2 || dynamic_cast<const Dense*>(node.layer.get()) == nullptr) return ours;
  const std::optional<Shape> image = flattened_image(graph, node);
  return internal::transpose(image ? internal::dense_weight_channels_first(ours, *image) : ours,
                             std::array<Index, 2>{1, 0});
}

/// What is still to be used, under our names.
class StateDict {
 public:
  StateDict(NamedTensors tensors, const std::string& file) : file_(file) {
    const std::size_t wrapper = wrapper_length(tensors);
    for (auto& [name, tensor] : tensors) {
      if (name.ends_with(".num_batches_tracked")) continue;
      const auto [entry, is_new] =
          entries_.try_emplace(our_name(std::string_view(name).substr(wrapper)), Entry{name, std::move(tensor)});
      if (is_new) continue;
      throw FormatError({.where = fmt::format("{}: tensor {}", file_, quote(name)),
                         .expected = fmt::format("a name that is not '{}' with '_' for '.'", entry->first),
                         .got = fmt::format("a second one beside {}", quote(entry->second.name)),
                         .fix = "rename one of the two in PyTorch"});
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
    if (tensor.dtype() != DType::float32) {
      throw FormatError({.where = fmt::format("{}: tensor {}", file_, quote(found->second.name)),
                         .expected = "numbers that become float32",
                         .got = std::string(name_of(tensor.dtype())),
                         .fix = kOtherNetwork});
    }
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

NamedTensors torch_state_dict(const Model& net) {
  NamedTensors tensors;
  for (const GraphNode& node : net.nodes()) {
    for (const std::size_t i : node.parameters) {
      const Parameter& parameter = net.parameters()[i];
      const std::string_view own = std::string_view(parameter.name).substr(node.name.size() + 1);
      const std::span<const float> floats = parameter.value.floats();
      const Constant value = in_torchs_layout(
          Constant::of(wanted_dims(parameter.value.shape(), node), std::vector<float>(floats.begin(), floats.end())),
          net.graph(), node);
      tensors.emplace_back(fmt::format("{}.{}", torch_layer(node.name), torch_name(own)),
                           Tensor(Shape(value.dims), value.floats()));
    }
  }
  return tensors;
}

void take_torch_weights(Model& net, NamedTensors tensors, const std::string& file) {
  StateDict state(std::move(tensors), file);
  std::vector<Tensor> values(net.parameters().size());
  for (const GraphNode& node : net.nodes()) {
    for (const std::size_t i : node.parameters) values[i] = state.take(net, node, net.parameters()[i]);
  }
  state.check_all_taken();
  for (std::size_t i = 0; i < values.size(); ++i) net.parameters()[i].value = std::move(values[i]);
}

}  // namespace saccade
