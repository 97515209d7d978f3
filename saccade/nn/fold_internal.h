#pragma once
#include <optional>
#include <span>
#include <vector>

#include "saccade/nn/graph.h"
#include "saccade/tensor/parameter.h"

namespace saccade::internal {

/// The one reader of each node, if it has just one.
std::vector<std::optional<std::size_t>> single_readers(const Graph& graph);

/// Batch normalisation, and perhaps an activation, that a convolution before it takes over at inference.
struct Fold {
  std::size_t norm;
  std::optional<std::size_t> activation;
  std::shared_ptr<const Layer> layer;  ///< The convolution with a bias and with that activation.

  /// The last of them, whose output the convolution writes.
  std::size_t last() const { return activation.value_or(norm); }
};

/// For each node what folds into it. constant[i]: the parameters of node i do not change, and it runs as in inference;
/// passive[i]: no backward pass comes to node i.
std::vector<std::optional<Fold>> find_folds(const Graph& graph, const std::vector<bool>& constant,
                                            const std::vector<bool>& passive);

/// The weight and bias of a convolution with the batch normalisation behind it:
///   s[oc] = gamma / sqrt(moving_variance + epsilon);  weight * s, (bias - moving_mean) * s + beta
/// Holes until compute() is called.
class FoldedParameters {
 public:
  /// `conv`: weight and perhaps bias; `norm`: gamma, beta, moving_mean, moving_variance. Both must outlive this.
  FoldedParameters(std::vector<const Parameter*> conv, std::vector<const Parameter*> norm, float epsilon);
  /// Weight and bias, where they stay.
  std::span<Parameter> parameters() { return parameters_; }
  void compute();

 private:
  std::vector<const Parameter*> conv_, norm_;
  float epsilon_;
  std::vector<Parameter> parameters_;
};

}  // namespace saccade::internal
