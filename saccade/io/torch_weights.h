#pragma once
#include <string>

#include "saccade/io/torch_file.h"
#include "saccade/nn/model.h"

namespace saccade {

/// Fills a network with weights as PyTorch names and lays them out (a state dict of torchvision, timm, ...): the layer
/// "layer1_0_conv1" takes "layer1.0.conv1.weight", with or without what DataParallel, torch.compile and others put in front
/// of every name ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.");
///   convolutions      [out, in / groups, h, w]  become  [h, w, in / groups, out]
///   dense layers      [out, in]  becomes  [in, out], its rows from channels-first to channels-last order behind a
///                     flattened image
///   BatchNorm         weight, bias, running_mean, running_var  become  gamma, beta, moving_mean, moving_variance
/// num_batches_tracked is left out. The tensors are moved from. Throws FormatError, naming `file` and the tensor, where one
/// is missing, left over, of another shape, or would have the same name here as another; the network is then as it was.
void take_torch_weights(Model& net, NamedTensors tensors, const std::string& file);

/// The way back: the weights of a network as PyTorch names and lays them out, in the order of its layers, with a dot around
/// each number of a name that '_' sets apart ("layer1_0_conv1" is "layer1.0.conv1"). For networks of the zoo these are the
/// names of the library that each is defined after; write_safetensors() and PyTorch's load_state_dict() take them there.
/// take_torch_weights() of them gives the same network.
NamedTensors torch_state_dict(const Model& net);

}  // namespace saccade
