#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "saccade/nn/model.h"

namespace saccade {

/// Reads a model that Keras saved whole: a .keras archive (version 3) or an .h5 file (versions 1 and 2, and model.save() of
/// version 3), Sequential or Functional, with models inside models. Layers that learn keep their names, weights are copied as
/// they are: Keras has images, filters and flattened images in our order. A layer with trainable=False is frozen; models
/// that begin with Rescaling, Normalization or arithmetic on the image have that as their preprocessing, all others none().
/// Layers that only act in training other than Dropout (random flips, noise, SpatialDropout2D) are left out, optimiser and
/// losses as well. Class names are empty but for files that save_keras() wrote.
///
/// Throws SystemError when the file cannot be read or the build lacks HDF5, FormatError for what is no such model: a layer
/// that has no counterpart is named with its class and those that have one. docs/formats.md lists them.
Model load_keras(const std::filesystem::path& path);

/// The same from memory; `name` is what messages call it.
Model read_keras(std::span<const std::byte> bytes, const std::string& name);

/// Fills a network with the weights of an .h5 file, of save_weights() or of a whole model: layers of one name, or else
/// the layers in order. Throws as load_keras does, and FormatError where weights are missing, left over or of another
/// shape; the network is then as it was.
void take_keras_weights(Model& net, const std::filesystem::path& path);
void take_keras_weights(Model& net, std::span<const std::byte> bytes, const std::string& name);

enum class KerasFormat : std::uint8_t {
  keras,  ///< The archive of version 3.
  h5,     ///< The file of version 2, which version 3 reads as well.
};

/// Writes the network as a Functional model, .keras or .h5 as the name ends, whole or not at all: for Keras's load_model(),
/// and for load_keras(), which gives a network back that computes the same, bit for bit. Preprocessing becomes Rescaling and
/// Normalization in front, so the model takes pixels as they are stored; padding in numbers becomes ZeroPadding2D, an
/// activation that Keras has no name for a layer of its own. Class names stand where Keras overlooks them. Throws
/// ValueError, naming the layer, for what Keras has no layer for; SystemError.
void save_keras(const Model& net, const std::filesystem::path& path);

/// The bytes of that file. One network, one sequence of bytes.
std::vector<std::byte> encode_keras(const Model& net, KerasFormat format);

}  // namespace saccade
