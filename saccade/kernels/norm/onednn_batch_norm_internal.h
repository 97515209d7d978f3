#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/norm/batch_norm.h"

namespace saccade::kernels::onednn {

/// Normalisation with the moving statistics, one primitive per shard of rows; training is declined, because oneDNN
/// adds up the statistics in float.
std::string decline_batch_norm(const BatchNormProblem& problem);
std::unique_ptr<BatchNormKernel> make_batch_norm(const BatchNormProblem& problem);

}  // namespace saccade::kernels::onednn
