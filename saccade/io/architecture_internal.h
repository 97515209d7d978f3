#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "saccade/nn/model.h"

namespace saccade::internal {

/// The graph of a network as JSON:
///   {"name": "lenet5", "layers": [{"type": "Conv2D", "name": "conv2d", "inputs": ["input"],
///                                  "options": {"filters": 6, "kernel": [5, 5], "padding": "same", ...}}, ...]}
/// Every layer follows its inputs; the first is the Input, the last the output. Options stand under the names that the
/// layer's visit() gives them.
std::string format_architecture(const Model& model);

/// Told of every layer's parameters before memory for them is taken; throws when the file does not hold them.
using CheckParameters = std::function<void(const std::string& layer, std::span<const ParameterSpec> specs)>;

/// The network of that JSON, with fresh parameters. Options that it lacks have their defaults. Throws FormatError, which
/// names `file` and the layer, for everything that is not as format_architecture writes it.
Model parse_architecture(std::string_view json, const std::string& file, const CheckParameters& check);

}  // namespace saccade::internal
