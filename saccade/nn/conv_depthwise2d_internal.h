#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d.h"
#include "saccade/nn/fold_internal.h"
#include "saccade/nn/graph.h"
#include "saccade/nn/operation.h"

namespace saccade::internal {

/// A convolution of single pixels that is computed together with the depthwise one behind it, which alone reads its output.
struct JoinedConv {
  std::size_t conv;
  kernels::ConvDepthwise2DProblem problem;  ///< Of one image.
  std::string declined;                     ///< Why they are computed one after the other all the same; or empty.
};

/// For each node from behind `first` up to `last` the convolution that may join it, where it is a depthwise one (or what
/// `folds` make of it) and both have the same activation, and a bias or none. passive[i]: no backward pass comes to node i.
std::vector<std::optional<JoinedConv>> find_joined_convs(const Graph& graph,
                                                         const std::vector<std::optional<Fold>>& folds,
                                                         const std::vector<bool>& passive, std::size_t first,
                                                         std::size_t last);

/// The two made ready: context as of the depthwise convolution, but for context.parameters, which begin with those of the
/// convolution. The operation's input is what the convolution reads.
std::unique_ptr<Operation> prepare_joined(const JoinedConv& joined, const PrepareContext& context);

}  // namespace saccade::internal
