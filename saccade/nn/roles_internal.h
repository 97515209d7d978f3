#pragma once
#include <optional>
#include <vector>

#include "saccade/nn/fold_internal.h"
#include "saccade/nn/model.h"

namespace saccade::internal {

/// What training changes, node by node.
struct Roles {
  std::vector<bool> learns_below;  ///< A parameter that may change stands here or below.
  /// The frozen part of a network, which runs as in inference: nothing at or below it learns, and it, or something between
  /// it and the first layer that learns, has frozen parameters. (So a Dropout right before a new last layer still drops,
  /// but those among the frozen layers do not.)
  std::vector<bool> frozen;
};

Roles roles_in_training(const Model& model);

/// Whether no backward pass comes to a node while the network trains.
std::vector<bool> passive_in_training(const Roles& roles);

/// Whether training computes the gradient of each node's output: because something at or below it learns, from behind
/// node `first` on, or because that node's own is wanted.
std::vector<bool> wanted_gradients(const Model& model, std::size_t first, bool of_first);

/// What folds into each node while the network trains.
std::vector<std::optional<Fold>> folds_in_training(const Model& model, const Roles& roles);

}  // namespace saccade::internal
