#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saccade/nn/layer.h"

namespace saccade::internal {

/// A tensor of the ONNX graph that depends on its input. ONNX counts the axes of images as [batch, channels, height,
/// width] while layers want the channels innermost, so every edge knows in which order its numbers stand; what only
/// renames or reorders axes in ONNX changes `dims` and `order` and moves nothing.
///
/// Batched, the first of ONNX's axes is the batch, which every layer leaves as it is. A graph that works along that axis
/// too is imported as a whole: then there is no batch, and all axes are those of the one tensor.
struct Edge {
  Node node;
  std::vector<Index> dims;   ///< ONNX's.
  std::vector<Index> order;  ///< order[k]: which of ONNX's axes is axis k of the node's shape. Batched, 0 is in none.
  /// Of a flattened image: the dims [channels, height, ...] in whose order ONNX counts its numbers, while the network has
  /// them channels innermost. Empty where both agree. Dense layers that follow permute their weights.
  std::vector<Index> flattened{};
  bool viewed = false;  ///< The node is a Reshape of what the edge's layer made; nobody else reads that layer.

  bool is_batched() const noexcept { return order.size() + 1 == dims.size(); }
  Index rank() const noexcept { return isize(dims.size()); }
  /// The same axes, made by another layer.
  Edge made_by(Node other) const { return {std::move(other), dims, order, flattened}; }
  /// Which axis of the node's shape one of ONNX's axes is.
  Index position(Index axis) const;
};

/// Extents of the node of an edge with these dims and this order; a tensor without axes has one of one element.
Shape shape_of(std::span<const Index> dims, std::span<const Index> order);
/// ONNX's axes but the batch in their own order, or the channels, axis 1, last.
std::vector<Index> ascending_order(Index rank, bool batched);
std::vector<Index> channels_last_order(Index rank, bool batched);

/// The edge with its numbers in another order: by Permute, by Reshape where only axes of 1 move, or as it is.
Edge arranged(const Edge& edge, const std::vector<Index>& order);
/// The edge with one axis innermost, the others as they are.
Edge innermost(const Edge& edge, Index axis);
/// A flattened image in the order in which ONNX counts it; others as they are.
Edge unflattened(const Edge& edge);
/// The same numbers, as ONNX counts them, under other dims. Axes that are only split or joined stay where they are.
Edge reshaped(const Edge& edge, const std::vector<Index>& dims, const std::string& name = {});
/// ONNX Transpose.
Edge transposed(const Edge& edge, std::span<const Index> permutation);

}  // namespace saccade::internal
