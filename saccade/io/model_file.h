#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "saccade/base/file.h"
#include "saccade/nn/model.h"

namespace saccade {

/// Reads a network that Model::save wrote: one safetensors file with the parameters by name ("conv2d.weight", F32) and, in
/// its metadata,
///   format         "saccade.network", version "1"
///   architecture   JSON: the network's name, and its layers with type, name, inputs and options
///   preprocessing  JSON: scale, mean, deviation
///   class_names    JSON: an array of strings, one an output or empty
///   frozen         JSON: an array of the names of the parameters that training leaves alone
/// The network that comes back equals the one that was saved: the same names, options, numbers bit for bit, preprocessing,
/// class names and frozen parameters. Weights from another program in another safetensors dtype are taken as
/// read_safetensors converts them.
/// Throws SystemError when the file cannot be read, and FormatError, naming file and layer or tensor, for everything else:
/// another kind or version of file, an unknown type of layer (the message lists the known ones), options that the layer
/// does not have or accept, shapes that do not fit together, a tensor that is missing, unexpected or of another shape.
/// Memory for parameters is taken only after the file is known to hold them.
Model load_model(const std::filesystem::path& path);

/// The same from memory, for programs that carry their network; `name` is what messages call it.
Model read_model(std::span<const std::byte> bytes, const std::string& name);

/// The bytes of the file that Model::save writes, handed to `append` piece by piece. One network, one sequence of bytes.
/// Throws ValueError for parameter names that are not UTF-8.
void encode_model(const Model& model, const Append& append);

}  // namespace saccade
