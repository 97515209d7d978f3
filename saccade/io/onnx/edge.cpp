#include <algorithm>
#include <numeric>

#include "saccade/io/layout_internal.h"
#include "saccade/io/onnx/edge_internal.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/view.h"

namespace saccade::internal {
namespace {

/// Those of the axes that have more than one element.
std::vector<Index> long_axes(std::span<const Index> axes, std::span<const Index> dims) {
  std::vector<Index> result;
  std::ranges::copy_if(axes, std::back_inserter(result), [&](Index axis) { return dims[usize(axis)] != 1; });
  return result;
}

/// An order of all axes in which those of more than one element stand as in `longs`: the usual one where that goes.
std::vector<Index> completed(const std::vector<Index>& longs, std::span<const Index> dims, bool batched) {
  const Index rank = isize(dims.size());
  for (std::vector<Index> usual : {channels_last_order(rank, batched), ascending_order(rank, batched)}) {
    if (long_axes(usual, dims) == longs) return usual;
  }
  std::vector<Index> order;
  for (Index axis = batched ? 1 : 0; axis < rank; ++axis) {
    if (dims[usize(axis)] == 1) order.push_back(axis);
  }
  order.insert(order.end(), longs.begin(), longs.end());
  return order;
}

Node with_shape(const Node& node, const Shape& shape, const std::string& name) {
  if (node.shape() == shape) return node;
  if (shape.rank() == 1) return Flatten{{.name = name}}(node);
  return Reshape{{.shape = shape, .name = name}}(node);
}

/// Axes of the tensor before and after a reshape that hold the same numbers together.
struct Group {
  std::vector<Index> from, to;
};

std::vector<Group> groups_of(std::span<const Index> from_axes, std::span<const Index> from_dims,
                             std::span<const Index> to_axes, std::span<const Index> to_dims) {
  std::vector<Group> groups;
  auto from = from_axes.begin();
  auto to = to_axes.begin();
  while (from != from_axes.end() && to != to_axes.end()) {
    Group group{{*from}, {*to}};
    Index before = from_dims[usize(*from++)], after = to_dims[usize(*to++)];
    while (before != after) {
      if (before < after) {
        group.from.push_back(*from);
        before *= from_dims[usize(*from++)];
      } else {
        group.to.push_back(*to);
        after *= to_dims[usize(*to++)];
      }
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

/// A flattened image as the image it was.
Edge as_image(const Edge& row) {
  std::vector<Index> dims{row.dims.front()};
  dims.insert(dims.end(), row.flattened.begin(), row.flattened.end());
  std::vector<Index> order = channels_last_order(isize(dims.size()), true);
  const Shape shape = shape_of(dims, order);
  return {Reshape{{.shape = shape}}(row.node), std::move(dims), std::move(order)};
}

}  // namespace

Index Edge::position(Index axis) const { return std::ranges::find(order, axis) - order.begin(); }

Shape shape_of(std::span<const Index> dims, std::span<const Index> order) {
  if (order.empty()) return {1};
  std::vector<Index> extents;
  for (const Index axis : order) extents.push_back(dims[usize(axis)]);
  return Shape(extents);
}

std::vector<Index> ascending_order(Index rank, bool batched) {
  std::vector<Index> order(usize(std::max(rank - (batched ? 1 : 0), Index{0})));
  std::iota(order.begin(), order.end(), Index{batched});
  return order;
}

std::vector<Index> channels_last_order(Index rank, bool batched) {
  std::vector<Index> order = ascending_order(rank, batched);
  const auto channels = std::ranges::find(order, Index{1});
  if (channels != order.end()) std::rotate(channels, channels + 1, order.end());
  return order;
}

Edge arranged(const Edge& edge, const std::vector<Index>& order) {
  if (edge.order == order) return edge;
  if (long_axes(edge.order, edge.dims) == long_axes(order, edge.dims)) {
    const Shape shape = shape_of(edge.dims, order);
    const bool stays = edge.node.shape() == shape;
    return {with_shape(edge.node, shape, {}), edge.dims, order, {}, stays && edge.viewed};
  }
  std::vector<Index> axes;
  for (const Index axis : order) axes.push_back(edge.position(axis));
  return {Permute{{.axes = Shape(axes)}}(edge.node), edge.dims, order};
}

Edge innermost(const Edge& edge, Index axis) {
  std::vector<Index> order = edge.order;
  const auto place = std::ranges::find(order, axis);
  std::rotate(place, place + 1, order.end());
  return arranged(edge, order);
}

Edge unflattened(const Edge& edge) {
  if (edge.flattened.empty()) return edge;
  const Edge image = as_image(edge);
  const Edge written = arranged(image, ascending_order(image.rank(), true));
  return {Flatten{{}}(written.node), edge.dims, edge.order};
}

Edge reshaped(const Edge& edge, const std::vector<Index>& dims, const std::string& name) {
  if (dims == edge.dims) return edge;
  Edge from = edge.flattened.empty() ? edge : as_image(edge);
  const bool batched = from.is_batched();
  const auto image = std::span<const Index>(from.dims).subspan(batched ? 1 : 0);
  if (batched && dims.size() == 2 && from.rank() > 2 && !has_one_order(image) &&
      from.order == channels_last_order(from.rank(), true)) {
    return {Flatten{{.name = name}}(from.node), dims, {1}, {image.begin(), image.end()}};
  }
  const std::vector<Index> from_axes = long_axes(ascending_order(from.rank(), batched), from.dims);
  const std::vector<Index> to_axes = long_axes(ascending_order(isize(dims.size()), batched), dims);
  std::vector<Group> groups = groups_of(from_axes, from.dims, to_axes, dims);
  const auto first_place = [&](const Group& group) {
    Index place = from.rank();
    for (const Index axis : group.from) place = std::min(place, from.position(axis));
    return place;
  };
  std::ranges::sort(groups, {}, first_place);
  std::vector<Index> before, after;
  for (const Group& group : groups) {
    before.insert(before.end(), group.from.begin(), group.from.end());
    after.insert(after.end(), group.to.begin(), group.to.end());
  }
  if (long_axes(from.order, from.dims) != before) from = arranged(from, completed(before, from.dims, batched));
  std::vector<Index> order = completed(after, dims, batched);
  const Node node = with_shape(from.node, shape_of(dims, order), name);
  return {node, dims, std::move(order), {}, node == from.node && from.viewed};
}

Edge transposed(const Edge& edge, std::span<const Index> permutation) {
  if (std::ranges::is_sorted(permutation)) return edge;
  Edge result = unflattened(edge);
  std::vector<Index> renamed(permutation.size());
  for (std::size_t k = 0; k < permutation.size(); ++k) {
    result.dims[k] = edge.dims[usize(permutation[k])];
    renamed[usize(permutation[k])] = isize(k);
  }
  for (Index& axis : result.order) axis = renamed[usize(axis)];
  return result;
}

}  // namespace saccade::internal
