#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/dense/dense.h"

namespace saccade::kernels {

/// The fully connected layer from products of small matrices (SmallGemm), whose blocks lie in the caches: forward and
/// backward_data. Blocks are cut by size alone, and every sum runs in order.
std::string decline_block_dense(const DenseProblem& problem);
std::unique_ptr<DenseKernel> make_block_dense(const DenseProblem& problem);

}  // namespace saccade::kernels
