#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "saccade/nn/model.h"

namespace saccade {

/// Reads a network from a file of any format that holds one whole, told by its content: our own safetensors files
/// (load_model), ONNX (load_onnx), Keras's .h5 and .keras (load_keras). Throws as these do, and FormatError, naming the
/// formats, for everything else; one that holds weights alone says that the network must be named.
Model load_network(const std::filesystem::path& path);

/// The same from memory; `name` is what messages call it.
Model read_network(std::span<const std::byte> bytes, const std::string& name);

/// Fills a network with the weights of a file of any format that holds weights: PyTorch's checkpoints (.pth, .pt) and
/// safetensors files (take_torch_weights), Keras's .h5 (take_keras_weights). Throws as these do; the network is then as it
/// was.
void take_weights(Model& net, const std::filesystem::path& path);

/// Writes a network in the format that the name ends in: .safetensors (Model::save), .onnx (save_onnx), .h5 or .keras
/// (save_keras). Throws ValueError for other endings, and as these do.
void save_network(const Model& net, const std::filesystem::path& path);

/// ".safetensors, .onnx, .h5 or .keras", for messages.
std::string network_endings();
/// Whether save_network() knows the ending of a name.
bool can_be_saved(const std::filesystem::path& path);
/// Whether a name ends in one of these, or in one of PyTorch's.
bool has_network_ending(const std::filesystem::path& path);

}  // namespace saccade
