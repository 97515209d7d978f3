#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saccade/kernels/conv_pool2d/conv_pool2d.h"
#include "saccade/nn/fold_internal.h"
#include "saccade/nn/graph.h"
#include "saccade/nn/operation.h"

namespace saccade::internal {

/// Max pooling that is computed together with the convolution before it, of which nobody else reads the output.
struct JoinedPool {
  std::size_t pool;
  std::optional<std::size_t> activation;  ///< A ReLU layer between the two.
  kernels::ConvPool2DProblem problem;     ///< Of one image, without training.
  std::string declined;                   ///< Why they are computed one after the other all the same; or empty.
};

/// For each node from behind `first` up to `last` the pooling that may join it, where it is a convolution whose window
/// moves pixel by pixel (or what `folds` make of it) and the pooling takes windows of 2x2 side by side.
std::vector<std::optional<JoinedPool>> find_joined_pools(const Graph& graph,
                                                         const std::vector<std::optional<Fold>>& folds,
                                                         std::size_t first, std::size_t last);

/// The two made ready: context as of the convolution, but for context.dst, the pooled shape.
std::unique_ptr<Operation> prepare_joined(const JoinedPool& joined, const PrepareContext& context);

}  // namespace saccade::internal
