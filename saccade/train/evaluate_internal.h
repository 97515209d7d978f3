#pragma once
#include <cstddef>

#include "saccade/train/evaluate.h"

namespace saccade::internal {

/// evaluate() on a data set of what the node at position `first` makes of the images (0: the images themselves).
Evaluation evaluate_from(Model& net, std::size_t first, const data::DatasetPtr& dataset,
                         const EvaluateOptions& options);

}  // namespace saccade::internal
