#include "saccade/optim/muon.h"

#include <fmt/format.h>

#include <cmath>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/update/squares.h"
#include "saccade/optim/adam_numbers_internal.h"
#include "saccade/optim/newton_schulz_internal.h"

namespace saccade {
namespace {

constexpr Index kMostSteps = 20;
constexpr Index kGrain = 16384;  // elements worth a thread's while

std::vector<std::string_view> flags_of(const MuonOptions& o) {
  std::vector<std::string_view> flags;
  if (o.nesterov) flags.emplace_back("nesterov=true");
  if (o.fixed_norm) flags.emplace_back("fixed_norm=true");
  return flags;
}

}  // namespace

Muon::Muon(const MuonOptions& o)
    : Optimizer({.name = "muon",
                 .label = "Muon",
                 .rule = kernels::UpdateRule::adam,
                 .slots = {"m", "v"},
                 .numbers = {{"learning_rate", o.learning_rate, Domain::positive, 0.02},
                             {"momentum", o.momentum, Domain::fraction, 0.95},
                             {"ns_steps", static_cast<double>(o.ns_steps), Domain::positive, 5},
                             {"weight_decay", o.weight_decay, Domain::not_negative, 0.0},
                             {"adam_lr_ratio", o.adam_lr_ratio, Domain::positive, 0.1},
                             {"adam_beta_1", o.adam_beta_1, Domain::fraction, 0.9},
                             {"adam_beta_2", o.adam_beta_2, Domain::fraction, 0.999},
                             {"adam_weight_decay", o.adam_weight_decay, Domain::not_negative, 0.004},
                             {"epsilon", o.epsilon, Domain::positive, 1e-7}},
                 .flags = flags_of(o),
                 .rule_rate_ratio = o.adam_lr_ratio,
                 .weight_decay = o.adam_weight_decay,
                 .directed_weight_decay = o.weight_decay,
                 .use_ema = o.use_ema,
                 .ema_momentum = o.ema_momentum}),
      options_(o) {
  if (o.ns_steps > kMostSteps) {
    throw ValueError({.where = "Muon ns_steps",
                      .expected = fmt::format("1 to {}", kMostSteps),
                      .got = fmt::format("{}", o.ns_steps),
                      .fix = "try 5"});
  }
}

Muon::Muon(const Muon& other) : Optimizer(other), options_(other.options_) {}
Muon::Muon(Muon&&) noexcept = default;
Muon& Muon::operator=(const Muon& other) { return *this = Muon(other); }
Muon& Muon::operator=(Muon&&) noexcept = default;
Muon::~Muon() = default;

kernels::UpdateNumbers Muon::numbers(double learning_rate, Index t) const {
  return internal::adam_numbers(options_.adam_beta_1, options_.adam_beta_2, options_.epsilon, learning_rate, t);
}

bool Muon::is_directed(const Parameter& parameter) const {
  const Shape& shape = parameter.value.shape();
  return shape.rank() == 4 && shape[-1] > 1 && shape.elements() > shape[-1];
}

void Muon::direct(Parameter& parameter, std::span<float> momentum) {
  const std::span<float> grad = parameter.grad.floats();
  const auto keep = static_cast<float>(options_.momentum);
  const bool nesterov = options_.nesterov;
  parallel_ranges(isize(grad.size()), kGrain, [&](Index begin, Index end) {
    for (std::size_t i = usize(begin); i < usize(end); ++i) {
      momentum[i] = keep * momentum[i] + grad[i];
      grad[i] = nesterov ? grad[i] + keep * momentum[i] : momentum[i];
    }
  });
  const Index columns = parameter.value.shape()[-1], rows = parameter.value.elements() / columns;
  orthogonalise_.try_emplace({rows, columns}, rows, columns).first->second.run(grad, options_.ns_steps);
  if (!options_.fixed_norm) return;
  const std::span<float> weight = parameter.value.floats();
  const double norm = std::sqrt(kernels::sum_of_squares(weight));
  if (norm == 0.0) return;
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(columns)) / norm);
  for (float& w : weight) w *= scale;
}

}  // namespace saccade
