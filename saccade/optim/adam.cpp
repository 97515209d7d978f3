#include "saccade/optim/adam.h"

#include "saccade/optim/adam_numbers_internal.h"

namespace saccade {
namespace {

std::vector<std::string_view> slots_of(bool amsgrad) {
  return amsgrad ? std::vector<std::string_view>{"m", "v", "vmax"} : std::vector<std::string_view>{"m", "v"};
}

std::vector<std::string_view> flags_of(bool amsgrad) {
  return amsgrad ? std::vector<std::string_view>{"amsgrad=true"} : std::vector<std::string_view>{};
}

kernels::UpdateRule rule_of(bool amsgrad) { return amsgrad ? kernels::UpdateRule::amsgrad : kernels::UpdateRule::adam; }

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
  return internal::adam_numbers(options_.beta_1, options_.beta_2, options_.epsilon, learning_rate, t);
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
  return internal::adam_numbers(options_.beta_1, options_.beta_2, options_.epsilon, learning_rate, t);
}

}  // namespace saccade
