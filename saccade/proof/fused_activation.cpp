#include "saccade/proof/fused_activation.h"

namespace saccade::proof {

Activation read_activation(IdReader& reader) {
  for (const Activation activation :
       {Activation::leaky_relu, Activation::relu6, Activation::relu, Activation::sigmoid, Activation::tanh}) {
    if (reader.word(name_of(activation))) return activation;
  }
  return Activation::linear;
}

bool is_exact(Activation activation) {
  return activation == Activation::linear || activation == Activation::relu || activation == Activation::relu6;
}

double rounding_of(Activation activation) { return is_exact(activation) ? 0.0 : 4.0; }

void add_range(Activation activation, std::span<double> magnitude) {
  if (activation != Activation::sigmoid && activation != Activation::tanh) return;
  for (double& value : magnitude) value += 1.0;
}

}  // namespace saccade::proof
