#include "saccade/proof/fused_activation.h"

namespace saccade::proof {

// The longer names first, those that end in another.
Activation read_activation(IdReader& reader) {
  for (const Activation activation :
       {Activation::leaky_relu, Activation::relu, Activation::relu6, Activation::clip, Activation::elu,
        Activation::hard_sigmoid, Activation::sigmoid, Activation::gelu_tanh, Activation::tanh, Activation::hard_swish,
        Activation::swish, Activation::gelu}) {
    if (reader.word(name_of(activation))) return activation;
  }
  return Activation::linear;
}

bool is_exact(Activation activation) {
  return activation == Activation::linear || activation == Activation::relu || activation == Activation::relu6 ||
         activation == Activation::clip;
}

double rounding_of(Activation activation) { return is_exact(activation) ? 0.0 : 4.0; }

void add_range(Activation activation, std::span<double> magnitude) {
  if (activation != Activation::sigmoid && activation != Activation::hard_sigmoid && activation != Activation::tanh &&
      activation != Activation::elu) {
    return;
  }
  for (double& value : magnitude) value += 1.0;
}

}  // namespace saccade::proof
