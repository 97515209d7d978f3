#pragma once
#include <cstddef>
#include <vector>

#include "saccade/nn/graph.h"

namespace saccade {

/// The blocks of a network, from the image to the output, as the positions in Graph::nodes() at which they begin (the first is
/// 0). A block ends where a layer with weights makes the image smaller than ever before; behind the last image each layer with
/// weights is a block, and so is the last layer with weights anywhere. Batch normalisation and the like belong to the block of
/// what stands before them. VGG16 has five blocks of convolutions and three of one dense layer, ResNet-50 has five of
/// convolutions and one dense layer.
std::vector<std::size_t> blocks_of(const Graph& graph);

}  // namespace saccade
