#pragma once
#include <cstdint>
#include <string>

#include "saccade/tensor/tensor.h"

namespace saccade {

/// A named tensor of a network. The name ("conv2d.weight") is the safetensors key, the freeze pattern and the log label.
struct Parameter {
  enum class Role : std::uint8_t {
    weight,  ///< Learned by gradient descent while `trainable`.
    state,   ///< Updated by its layer (moving averages), never by an optimiser.
  };

  std::string name;
  Tensor value;
  Tensor grad;  ///< Same shape as value; empty until a plan that trains it is compiled.
  Role role = Role::weight;
  bool trainable = true;              ///< Frozen parameters get no gradient and stay bit-identical.
  float l2 = 0.0F;                    ///< Adds l2 * sum(w^2) to the loss (Keras's L2 regulariser).
  double learning_rate_factor = 1.0;  ///< Its learning rate is so many times the optimiser's. Zero or more, finite.

  bool learns() const noexcept { return trainable && role == Role::weight; }
};

}  // namespace saccade
