#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "saccade/nn/layer.h"

namespace saccade {

/// A kind of layer that network files may name.
struct RegisteredLayer {
  std::string_view type;  ///< "Conv2D"
  /// Makes one whose options the visitor fills in.
  std::shared_ptr<const Layer> (*make)(OptionVisitor& reader, std::string name);
};

/// Every layer of Saccade; a new one adds its line here (docs/add_a_layer.md).
std::span<const RegisteredLayer> registered_layers();

/// The entry of that name. Throws ValueError that lists the known ones.
const RegisteredLayer& registered_layer(std::string_view type);

}  // namespace saccade
