#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/pool2d/pool2d.h"

namespace saccade::kernels::onednn {

/// Pooling by oneDNN's primitives, one per shard of the batch. Max pooling keeps the place of the maximum in its window
/// as one byte a result, so windows have at most 256 pixels.
std::string decline_pool2d(const Pool2DProblem& problem);
std::unique_ptr<Pool2DKernel> make_pool2d(const Pool2DProblem& problem);

}  // namespace saccade::kernels::onednn
