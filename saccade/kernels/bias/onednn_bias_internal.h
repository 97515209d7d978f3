#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/bias/bias.h"

namespace saccade::kernels::onednn {

/// The sum by oneDNN's binary primitive, one per shard of rows; the gradient, which the contract adds in double, is
/// declined.
std::string decline_bias(const BiasProblem& problem);
std::unique_ptr<BiasKernel> make_bias(const BiasProblem& problem);

}  // namespace saccade::kernels::onednn
