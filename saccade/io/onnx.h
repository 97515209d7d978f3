#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "saccade/nn/model.h"

namespace saccade {

/// Imports an ONNX network (operator sets 7 to 17) as a trainable one: convolutions, dense layers and batch normalisation
/// become layers with their weights, an activation or bias that follows such a layer becomes part of it, dropout stays for
/// training, the arithmetic of shapes is done once. The image's axes turn from [channels, height, width] into
/// [height, width, channels], filters from OIHW into HWIO. Layers are called as the file's nodes.
/// An output of [classes, 1, 1] becomes [classes].
///
/// Preprocessing is none(): an ONNX file does not say what was done to its images; set it. Class names are empty.
/// Throws SystemError when the file cannot be read, FormatError for what is no such network; an operator that cannot be
/// imported is named with its node, operator set and what was expected. docs/onnx.md lists what can.
Model load_onnx(const std::filesystem::path& path);

/// The same from memory; `name` is what messages call it.
Model read_onnx(std::span<const std::byte> bytes, const std::string& name);

}  // namespace saccade
