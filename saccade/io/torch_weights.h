#pragma once
#include <string>
#include <vector>

#include "saccade/io/safetensors.h"
#include "saccade/nn/model.h"

namespace saccade {

/// Fills a network with weights as PyTorch names and lays them out (a state dict of torchvision, timm, ...): the layer
/// "layer1_0_conv1" takes "layer1.0.conv1.weight", with or without the prefix "module." that DataParallel puts in front;
///   convolutions      [out, in / groups, h, w]  become  [h, w, in / groups, out]
///   dense layers      [out, in]  becomes  [in, out], its rows from channels-first to channels-last order behind a
///                     flattened image
///   BatchNorm         weight, bias, running_mean, running_var  become  gamma, beta, moving_mean, moving_variance
/// num_batches_tracked is left out. The tensors are moved from. Throws FormatError, naming `file` and the tensor, where one
/// is missing, left over or of another shape; the network is then as it was.
void take_torch_weights(Model& net, std::vector<std::pair<std::string, Tensor>> tensors, const std::string& file);

}  // namespace saccade
