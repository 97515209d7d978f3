#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saccade/nn/batch_norm.h"
#include "saccade/nn/fold_internal.h"
#include "saccade/nn/model.h"
#include "saccade/nn/operation.h"

namespace saccade::internal {

/// A batch normalisation with what follows it and is computed in the same walk over memory: the addition of a shortcut,
/// an activation, or both. Nobody else reads what lies between.
struct JoinedNorm {
  BatchNormOptions options;
  std::size_t norm = 0;
  bool residual = false;
  std::size_t src = 0;  ///< Which input of the addition is normalised.
  std::optional<std::size_t> activation{};
  Activation function = Activation::linear;
  std::string declined{};  ///< Why they are computed one after the other all the same; or empty.
};

/// For each node from behind `first` up to `last` what is joined in it: the addition, or without one the normalisation.
/// What `folds` folds into convolutions is left out; passive[i]: no backward pass comes to node i.
std::vector<std::optional<JoinedNorm>> find_joined_norms(const Model& model,
                                                         const std::vector<std::optional<Fold>>& folds,
                                                         const std::vector<bool>& passive, std::size_t first,
                                                         std::size_t last);

/// All of it made ready: context as of the node in which it is joined, but for its parameters, the normalisation's.
std::unique_ptr<Operation> prepare_joined(const JoinedNorm& joined, const PrepareContext& context);

}  // namespace saccade::internal
