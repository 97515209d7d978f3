#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/dense/dense.h"

namespace saccade::kernels::onednn {

/// The fully connected layer by oneDNN's matrix product, cut into blocks by size alone: rows of dst (or its columns,
/// for a few rows), columns of grad_src, rows of grad_weight. No sum is ever split.
std::string decline_dense(const DenseProblem& problem);
std::unique_ptr<DenseKernel> make_dense(const DenseProblem& problem);

}  // namespace saccade::kernels::onednn
