#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/dense/dense.h"

namespace saccade::kernels {

/// The gradient of the weights from products of small matrices, a few rows at a time, which are handed to the update
/// before the next ones are made. Each sum runs over the batch in order.
std::string decline_dense_update(const DenseProblem& problem);
std::unique_ptr<DenseKernel> make_dense_update(const DenseProblem& problem);

}  // namespace saccade::kernels
