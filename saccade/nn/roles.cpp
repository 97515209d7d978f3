#include <algorithm>

#include "saccade/nn/frozen_cuts.h"
#include "saccade/nn/joins_internal.h"
#include "saccade/nn/roles_internal.h"

namespace saccade {
namespace internal {

Roles roles_in_training(const Model& model) {
  const std::span<const GraphNode> nodes = model.nodes();
  const auto trainable = [&](std::size_t i) { return model.parameters()[i].trainable; };
  Roles roles{std::vector<bool>(nodes.size()), std::vector<bool>(nodes.size())};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    roles.learns_below[i] =
        std::ranges::any_of(nodes[i].parameters, trainable) ||
        std::ranges::any_of(nodes[i].inputs, [&](std::size_t input) { return roles.learns_below[input]; });
  }
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (roles.learns_below[i]) continue;
    roles.frozen[i] = roles.frozen[i] || !nodes[i].parameters.empty();
    for (const std::size_t input : nodes[i].inputs) roles.frozen[input] = roles.frozen[input] || roles.frozen[i];
  }
  return roles;
}

std::vector<bool> wanted_gradients(const Model& model, std::size_t first, bool of_first) {
  const std::span<const GraphNode> nodes = model.nodes();
  std::vector<bool> wanted(nodes.size());
  wanted[first] = of_first;
  for (std::size_t i = first + 1; i < nodes.size(); ++i) {
    wanted[i] =
        std::ranges::any_of(nodes[i].parameters, [&](std::size_t p) { return model.parameters()[p].learns(); }) ||
        std::ranges::any_of(nodes[i].inputs, [&](std::size_t input) { return wanted[input]; });
  }
  return wanted;
}

std::vector<std::optional<Fold>> folds_in_training(const Model& model, const Roles& roles) {
  return find_folds(model.graph(), roles.frozen, passive_in_training(roles));
}

std::vector<bool> passive_in_training(const Roles& roles) {
  std::vector<bool> passive = roles.learns_below;
  passive.flip();
  return passive;
}

}  // namespace internal

std::vector<std::size_t> narrow_nodes(const Graph& graph) {
  std::vector<std::size_t> reach(graph.nodes().size());
  for (std::size_t i = 0; i < reach.size(); ++i) {
    for (const std::size_t input : graph.nodes()[i].inputs) reach[input] = i;
  }
  std::vector<std::size_t> narrow;
  std::size_t reach_before = 0;
  for (std::size_t i = 0; i < reach.size(); ++i) {
    if (reach_before <= i) narrow.push_back(i);
    reach_before = std::max(reach_before, reach[i]);
  }
  return narrow;
}

std::vector<std::size_t> frozen_cuts(const Model& model) {
  const std::span<const GraphNode> nodes = model.nodes();
  const internal::Roles roles = internal::roles_in_training(model);
  const std::vector<std::optional<internal::Fold>> folds = internal::folds_in_training(model, roles);
  const std::vector<bool> passive = internal::passive_in_training(roles);
  const internal::Joins joins =
      internal::find_joins({model, folds, passive, internal::wanted_gradients(model, 0, false), 0, nodes.size() - 1});
  // The last node to take part in what each one does: the last to read it, or to be computed with it.
  std::vector<std::size_t> reach(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::size_t input : nodes[i].inputs) reach[input] = i;
  }
  std::vector<bool> is_joined(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!joins[i] || !joins[i]->declined.empty() || joins[i]->others.empty()) continue;
    const auto [first, last] = std::ranges::minmax(joins[i]->others);
    is_joined[std::min(first, i)] = true;
    reach[std::min(first, i)] = std::max(last, i);
  }
  std::vector<std::size_t> cuts;
  std::size_t reach_before = 0;  // of all nodes before i
  bool has_weights = false;
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    const bool changes = roles.learns_below[i] || (!roles.frozen[i] && nodes[i].layer->is_random());
    if (changes) break;  // and what comes after it in another branch meets it again further on
    has_weights = has_weights || !nodes[i].parameters.empty();
    if (has_weights && reach_before <= i && !folds[i] && !is_joined[i]) cuts.push_back(i);
    reach_before = std::max(reach_before, reach[i]);
    if (folds[i]) reach_before = std::max(reach_before, folds[i]->last());
  }
  return cuts;
}

}  // namespace saccade
