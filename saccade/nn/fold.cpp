#include <algorithm>
#include <cmath>

#include "saccade/nn/batch_norm.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/fold_internal.h"

namespace saccade::internal {

std::vector<std::optional<std::size_t>> single_readers(const Graph& graph) {
  std::vector<std::optional<std::size_t>> reader(graph.nodes().size());
  std::vector<int> readers(graph.nodes().size());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    for (const std::size_t input : graph.nodes()[i].inputs) {
      reader[input] = ++readers[input] == 1 ? std::optional(i) : std::nullopt;
    }
  }
  return reader;
}

std::vector<std::optional<Fold>> find_folds(const Graph& graph, const std::vector<bool>& constant,
                                            const std::vector<bool>& passive) {
  const std::span<const GraphNode> nodes = graph.nodes();
  const std::vector<std::optional<std::size_t>> reader = single_readers(graph);
  std::vector<std::optional<Fold>> folds(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::optional<std::size_t> norm = reader[i];
    if (!constant[i] || !norm || !constant[*norm]) continue;
    if (dynamic_cast<const BatchNorm*>(nodes[*norm].layer.get()) == nullptr) continue;
    const std::optional<std::size_t> next = reader[*norm];
    const auto* function = next ? dynamic_cast<const ActivationLayer*>(nodes[*next].layer.get()) : nullptr;
    const bool takes_it = function != nullptr && passive[*next] && function->is_usual();
    std::shared_ptr<const Layer> layer =
        nodes[i].layer->with_bias_and(takes_it ? function->activation() : Activation::linear);
    if (!layer) continue;
    folds[i] = Fold{.norm = *norm, .activation = takes_it ? next : std::nullopt, .layer = std::move(layer)};
  }
  return folds;
}

FoldedParameters::FoldedParameters(std::vector<const Parameter*> conv, std::vector<const Parameter*> norm,
                                   float epsilon)
    : conv_(std::move(conv)), norm_(std::move(norm)), epsilon_(epsilon) {
  parameters_.push_back(
      {.name = conv_[0]->name, .value = Tensor(conv_[0]->value.shape()), .grad = {}, .trainable = false});
  parameters_.push_back(
      {.name = norm_[1]->name, .value = Tensor(norm_[1]->value.shape()), .grad = {}, .trainable = false});
}

void FoldedParameters::compute() {
  const std::span<const float> gamma = norm_[0]->value.floats(), beta = norm_[1]->value.floats();
  const std::span<const float> mean = norm_[2]->value.floats(), variance = norm_[3]->value.floats();
  const std::span<const float> weight = conv_[0]->value.floats();
  const std::span<float> folded = parameters_[0].value.floats(), bias = parameters_[1].value.floats();
  std::vector<double> scale(gamma.size());
  for (std::size_t c = 0; c < scale.size(); ++c) {
    scale[c] =
        static_cast<double>(gamma[c]) / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon_));
    const double before = conv_.size() > 1 ? static_cast<double>(conv_[1]->value.floats()[c]) : 0.0;
    bias[c] = static_cast<float>((before - static_cast<double>(mean[c])) * scale[c] + static_cast<double>(beta[c]));
  }
  // Output channels come last in every weight.
  for (std::size_t i = 0; i < weight.size(); i += scale.size()) {
    for (std::size_t c = 0; c < scale.size(); ++c) {
      folded[i + c] = static_cast<float>(static_cast<double>(weight[i + c]) * scale[c]);
    }
  }
}

}  // namespace saccade::internal
