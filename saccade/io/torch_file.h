#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "saccade/tensor/tensor.h"

namespace saccade {

/// Tensors by name, in the order of a file.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Reads the weights that torch.save() wrote: a state dict (tensors by name), or a checkpoint that keeps one under
/// "state_dict", "model_state_dict", "model", "net" or "weights" beside epoch, optimiser and the like. Both of PyTorch's
/// layouts: the zip archive of version 1.6 and later, and the pickles in a row of before (.pth, .pt, .th, ...).
/// Types become ours as read_safetensors() says; views (strides, offsets) become dense tensors. take_torch_weights() puts
/// them into a network.
///
/// The pickle is not run: it is read as data, and one that calls anything but what builds tensors is an error that names the
/// call. Throws FormatError for that and for everything else that such a file does not hold (TorchScript, whole modules,
/// tensors that reach beyond their storage, more numbers than the file is worth).
NamedTensors read_torch(std::span<const std::byte> bytes, const std::string& name);

/// The same from a file. Throws SystemError when it cannot be read.
NamedTensors load_torch(const std::filesystem::path& path);

}  // namespace saccade
