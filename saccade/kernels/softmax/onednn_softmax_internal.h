#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/softmax/softmax.h"

namespace saccade::kernels::onednn {

/// The gradient by oneDNN's primitive, one per shard of rows; its forward pass loses NaN and is declined.
std::string decline_softmax(const SoftmaxProblem& problem);
std::unique_ptr<SoftmaxKernel> make_softmax(const SoftmaxProblem& problem);

}  // namespace saccade::kernels::onednn
