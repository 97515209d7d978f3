#include "saccade/optim/sgd.h"

namespace saccade {

SGD::SGD(const SGDOptions& o)
    : Optimizer(with_common(
          {.name = "sgd",
           .label = "SGD",
           .rule = o.momentum == 0.0 ? kernels::UpdateRule::sgd
                   : o.nesterov      ? kernels::UpdateRule::nesterov
                                     : kernels::UpdateRule::momentum,
           .slots = o.momentum == 0.0 ? std::vector<std::string_view>{} : std::vector<std::string_view>{"velocity"},
           .numbers = {{"learning_rate", o.learning_rate, Domain::positive, 0.01},
                       {"momentum", o.momentum, Domain::fraction, 0.9}},
           .flags = o.nesterov ? std::vector<std::string_view>{"nesterov=true"} : std::vector<std::string_view>{}},
          o)),
      options_(o) {}

kernels::UpdateNumbers SGD::numbers(double learning_rate, Index /*t*/) const {
  return {.rate = static_cast<float>(learning_rate), .momentum = static_cast<float>(options_.momentum)};
}

}  // namespace saccade
