#include "saccade/nn/blocks.h"

#include <algorithm>
#include <limits>

namespace saccade {

std::vector<std::size_t> blocks_of(const Graph& graph) {
  const std::span<const GraphNode> nodes = graph.nodes();
  const auto has_weight = [&](const GraphNode& node) {
    return std::ranges::any_of(node.parameters,
                               [&](std::size_t i) { return graph.parameters()[i].name.ends_with(".weight"); });
  };
  std::size_t head = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) head = has_weight(nodes[i]) ? i : head;
  std::vector<std::size_t> blocks;
  Index smallest = std::numeric_limits<Index>::max();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!has_weight(nodes[i])) continue;
    const Shape& shape = nodes[i].shape;
    const bool is_image = shape.rank() == 3;
    const Index pixels = is_image ? shape[0] * shape[1] : 0;
    if (!is_image || i == head || pixels < smallest) blocks.push_back(blocks.empty() ? 0 : i);
    smallest = std::min(smallest, pixels);
  }
  return blocks;
}

}  // namespace saccade
