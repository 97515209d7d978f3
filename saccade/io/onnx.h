#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "saccade/nn/model.h"

namespace saccade {

/// Imports an ONNX network (operator sets 7 to 18) as a trainable one: convolutions, dense layers and batch normalisation
/// become layers with their weights, an activation or bias that follows such a layer becomes part of it, dropout stays for
/// training, the arithmetic of shapes is done once. The image's axes turn from [channels, height, width] into
/// [height, width, channels], filters from OIHW into HWIO. A file whose images are [batch, height, width, channels], as
/// exporters of TensorFlow write them, keeps them so. Layers are called as the file's nodes. Constants that are combined
/// with images, such as those of normalisation, stay as they are in training (Arithmetic).
/// An output of [classes, 1, 1] becomes [classes].
///
/// Where an operator works along the batch too, there is none: the network takes the graph's whole input as one image,
/// [n, c, h, w] with the axes as the file has them, and gives its whole output.
///
/// Preprocessing and class names are those that save_onnx() wrote into the file's metadata. Files of other programs do not
/// say what was done to their images: preprocessing is none() then, set it, and class names are empty.
/// Throws SystemError when the file cannot be read, FormatError for what is no such network; an operator that cannot be
/// imported is named with its node, operator set and what was expected. docs/onnx.md lists what can.
Model load_onnx(const std::filesystem::path& path);

/// The same from memory; `name` is what messages call it.
Model read_onnx(std::span<const std::byte> bytes, const std::string& name);

/// Writes the network as ONNX (operator set 14), whole or not at all, for other programs and for load_onnx(), which gives
/// the same network back, weights bit for bit. Images are [batch, channels, height, width] there, with a batch of any size;
/// padding is written in numbers, activations as nodes of their own, dropout stays. Preprocessing and class names are
/// metadata (saccade.preprocessing, saccade.class_names: JSON), which other programs pass over. Throws ValueError, naming
/// the layer, for what ONNX has no word for; SystemError.
void save_onnx(const Model& model, const std::filesystem::path& path);

/// The bytes of that file.
std::string encode_onnx(const Model& model);

}  // namespace saccade
