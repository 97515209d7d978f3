#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/activation/activation.h"

namespace saccade::kernels::onednn {

/// Sigmoid and tanh in both passes and leaky ReLU forward, by oneDNN's element-wise primitives, one per shard. The
/// others differ from the contract in NaN, infinity or the sign of zero, and are declined with that reason.
std::string decline_activation(const ActivationProblem& problem);
std::unique_ptr<ActivationKernel> make_activation(const ActivationProblem& problem);

}  // namespace saccade::kernels::onednn
