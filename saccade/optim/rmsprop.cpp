#include "saccade/optim/rmsprop.h"

namespace saccade {
namespace {

kernels::UpdateRule rule_of(const RMSpropOptions& o) {
  if (o.momentum == 0.0) return o.centered ? kernels::UpdateRule::rmsprop_centered : kernels::UpdateRule::rmsprop;
  return o.centered ? kernels::UpdateRule::rmsprop_centered_momentum : kernels::UpdateRule::rmsprop_momentum;
}

std::vector<std::string_view> slots_of(const RMSpropOptions& o) {
  std::vector<std::string_view> slots{"v"};
  if (o.centered) slots.push_back("mean");
  if (o.momentum != 0.0) slots.push_back("velocity");
  return slots;
}

}  // namespace

RMSprop::RMSprop(const RMSpropOptions& o)
    : Optimizer(with_common(
          {.name = "rmsprop",
           .label = "RMSprop",
           .rule = rule_of(o),
           .slots = slots_of(o),
           .numbers = {{"learning_rate", o.learning_rate, Domain::positive, 0.001},
                       {"rho", o.rho, Domain::fraction, 0.9},
                       {"momentum", o.momentum, Domain::fraction, 0.9},
                       {"epsilon", o.epsilon, Domain::positive, 1e-7}},
           .flags = o.centered ? std::vector<std::string_view>{"centered=true"} : std::vector<std::string_view>{}},
          o)),
      options_(o) {}

kernels::UpdateNumbers RMSprop::numbers(double learning_rate, Index /*t*/) const {
  return {.rate = static_cast<float>(learning_rate),
          .momentum = static_cast<float>(options_.momentum),
          .rho = static_cast<float>(options_.rho),
          .one_minus_rho = static_cast<float>(1.0 - options_.rho),
          .epsilon = static_cast<float>(options_.epsilon)};
}

}  // namespace saccade
