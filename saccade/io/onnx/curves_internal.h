#pragma once
#include "saccade/io/onnx/graph_internal.h"

namespace saccade::internal {

/// Exporters write many an activation as the arithmetic of its formula: x * sigmoid(x), or x / 2 * (1 + erf(x / sqrt 2)) in
/// any order. Where the nodes that lead from one tensor to a product of it are a known curve, they become one node,
/// HardSwish, Gelu or Swish. What the nodes compute decides, at some places between -8 and 8, not how they are written.
void join_curves(OnnxGraph& graph);

}  // namespace saccade::internal
