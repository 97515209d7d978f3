#pragma once
#include <cstddef>
#include <vector>

#include "saccade/nn/model.h"

namespace saccade {

/// The nodes through which everything behind them passes (positions in Graph::nodes(), in order), from the Input to the
/// output: where a network can be run in parts (PlanPart).
std::vector<std::size_t> narrow_nodes(const Graph& graph);

/// Where a network in training can be cut in two: the nodes (positions in Model::nodes(), in order) through which everything
/// behind them passes, and whose output is the same each time an image is shown, because what lies below is frozen, is not
/// random, and has weights at all. Training from such an output (PlanPart::first) gives the same as from the image, bit for
/// bit. The deepest is the last; empty where there is none.
std::vector<std::size_t> frozen_cuts(const Model& model);

}  // namespace saccade
