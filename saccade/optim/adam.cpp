#include "saccade/optim/adam.h"

#include <cmath>

namespace saccade {
namespace {

std::vector<std::string_view> slots_of(bool amsgrad) {
  return amsgrad ? std::vector<std::string_view>{"m", "v", "vmax"} : std::vector<std::string_view>{"m", "v"};
}

std::vector<std::string_view> flags_of(bool amsgrad) {
  return amsgrad ? std::vector<std::string_view>{"amsgrad=true"} : std::vector<std::string_view>{};
}

kernels::UpdateRule rule_of(bool amsgrad) { return amsgrad ? kernels::UpdateRule::amsgrad : kernels::UpdateRule::adam; }

template <class Options>
kernels::UpdateNumbers adam_numbers(const Options& o, double learning_rate, Index t) {
  const auto power = static_cast<double>(t);
  const double alpha = learning_rate * std::sqrt(1.0 - std::pow(o.beta_2, power)) / (1.0 - std::pow(o.beta_1, power));
  return {.rate = static_cast<float>(alpha),
          .one_minus_beta_1 = static_cast<float>(1.0 - o.beta_1),
          .one_minus_beta_2 = static_cast<float>(1.0 - o.beta_2),
          .epsilon = static_cast<float>(o.epsilon)};
}

}  // namespace

Adam::Adam(const AdamOptions& o)
    : Optimizer(with_common({.name = "adam",
                             .label = "Adam",
                             .rule = rule_of(o.amsgrad),
                             .slots = slots_of(o.amsgrad),
                             .numbers = {{"learning_rate", o.learning_rate, Domain::positive, 0.001},
                                         {"beta_1", o.beta_1, Domain::fraction, 0.9},
                                         {"beta_2", o.beta_2, Domain::fraction, 0.999},
                                         {"epsilon", o.epsilon, Domain::positive, 1e-7}},
                             .flags = flags_of(o.amsgrad)},
                            o)),
      options_(o) {}

kernels::UpdateNumbers Adam::numbers(double learning_rate, Index t) const {
  return adam_numbers(options_, learning_rate, t);
}

AdamW::AdamW(const AdamWOptions& o)
    : Optimizer(with_common({.name = "adamw",
                             .label = "AdamW",
                             .rule = rule_of(o.amsgrad),
                             .slots = slots_of(o.amsgrad),
                             .numbers = {{"learning_rate", o.learning_rate, Domain::positive, 0.001},
                                         {"weight_decay", o.weight_decay, Domain::not_negative, 0.004},
                                         {"beta_1", o.beta_1, Domain::fraction, 0.9},
                                         {"beta_2", o.beta_2, Domain::fraction, 0.999},
                                         {"epsilon", o.epsilon, Domain::positive, 1e-7}},
                             .flags = flags_of(o.amsgrad),
                             .weight_decay = o.weight_decay,
                             .exclude_from_weight_decay = o.exclude_from_weight_decay},
                            o)),
      options_(o) {}

kernels::UpdateNumbers AdamW::numbers(double learning_rate, Index t) const {
  return adam_numbers(options_, learning_rate, t);
}

}  // namespace saccade
