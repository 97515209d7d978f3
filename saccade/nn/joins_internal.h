#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/nn/fold_internal.h"
#include "saccade/nn/model.h"
#include "saccade/nn/operation.h"

namespace saccade::internal {

/// Layers that the step of one of them, node i, computes together; of what lies between them nobody else reads
/// anything. A layer by itself may be such a step, where it has an operation of its own because of what stands beside
/// it. The steps of the others become views: those before it of what the first one reads, those behind it of what it
/// writes.
struct Join {
  std::vector<std::size_t> others;      ///< The nodes whose work it does.
  std::vector<std::size_t> parameters;  ///< The nodes whose parameters the operation takes, in its order.
  std::size_t output;                   ///< The node whose shape it writes.
  /// Makes the operation; context as of node i, but for the parameters and dst.
  std::function<std::unique_ptr<Operation>(const PrepareContext&)> prepare;
  std::size_t partner;     ///< Another one by which to name it.
  std::string declined{};  ///< Why they are computed one after the other all the same; or empty.
};

/// For each node what may join it.
using Joins = std::vector<std::optional<Join>>;

/// Where joins are looked for: nodes from behind `first` up to `last`.
struct JoinScope {
  const Model& model;
  const std::vector<std::optional<Fold>>& folds;  ///< What folds into each node.
  const std::vector<bool>& passive;               ///< Whether no backward pass comes to a node.
  const std::vector<bool>& wants_grad;            ///< Whether a backward pass computes the gradient of a node's output.
  std::size_t first, last;
  Index batch = 1;

  /// The layer that computes node i, with what folds into it, and the node whose output is the result.
  const Layer& layer(std::size_t i) const { return folds[i] ? *folds[i]->layer : *model.nodes()[i].layer; }
  std::size_t end(std::size_t i) const { return folds[i] ? folds[i]->last() : i; }
};

/// All joins, a node in one of them at most.
Joins find_joins(const JoinScope& scope);

/// The problem for one image, if the layer is a convolution, depthwise or not.
std::optional<kernels::Conv2DProblem> convolution_of(const Layer& layer, const Shape& src);

/// 2x2 max pooling, and perhaps a ReLU before it, joins the convolution (or what is folded into it) before them, whose
/// window moves pixel by pixel.
void join_pools(const JoinScope& scope, Joins& joins);

/// A convolution of single pixels joins the depthwise one behind it where no backward pass comes, and both have the same
/// activation, and a bias or none.
void join_convolutions(const JoinScope& scope, Joins& joins);

/// In training, a batch normalisation, and perhaps a ReLU behind it, join the convolution that reads them, which then
/// normalises as it reads; and where they stand behind a convolution, that one takes the gradient back through the
/// normalisation as it reads it.
void join_normed_convolutions(const JoinScope& scope, Joins& joins);

/// The addition of a shortcut, an activation, or both, join the batch normalisation before them: in the addition's step,
/// or without one in its own.
void join_norms(const JoinScope& scope, Joins& joins);

}  // namespace saccade::internal
