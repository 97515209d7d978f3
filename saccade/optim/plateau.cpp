#include "saccade/optim/plateau.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "saccade/base/error.h"

namespace saccade {
namespace {

template <class T>
void require(bool holds, std::string_view option, std::string_view expected, T got, std::string_view fix) {
  if (holds) return;
  throw ValueError({.where = fmt::format("ReduceLROnPlateau {}", option),
                    .expected = std::string(expected),
                    .got = fmt::format("{}", got),
                    .fix = std::string(fix)});
}

}  // namespace

Plateau::Plateau(const PlateauOptions& options) : options_(options) {
  const auto not_negative = [](double x) { return std::isfinite(x) && x >= 0.0; };
  require(options.factor > 0.0 && options.factor < 1.0, "factor", "above 0 and below 1", options.factor, "try 0.1");
  require(options.patience >= 0, "patience", "zero or more epochs", options.patience, "try 10");
  require(not_negative(options.min_delta), "min_delta", "a finite number of zero or more", options.min_delta,
          "try 0.0001");
  require(options.cooldown >= 0, "cooldown", "zero or more epochs", options.cooldown, "try 0");
  require(not_negative(options.min_lr), "min_lr", "a finite number of zero or more", options.min_lr, "try 0");
  state_.best = options.mode == PlateauMode::min ? std::numeric_limits<double>::infinity()
                                                 : -std::numeric_limits<double>::infinity();
}

double Plateau::update(double value, double learning_rate) {
  if (state_.cooldown_counter > 0) --state_.cooldown_counter;
  const bool improved = options_.mode == PlateauMode::min ? value < state_.best - options_.min_delta
                                                          : value > state_.best + options_.min_delta;
  if (improved) {
    state_.best = value;
    state_.wait = 0;
    return learning_rate;
  }
  if (state_.cooldown_counter > 0) return learning_rate;
  ++state_.wait;
  if (state_.wait < options_.patience || learning_rate <= options_.min_lr) return learning_rate;
  state_.cooldown_counter = options_.cooldown;
  state_.wait = 0;
  return std::max(learning_rate * options_.factor, options_.min_lr);
}

}  // namespace saccade
